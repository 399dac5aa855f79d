// Text that somebody else wrote: names, headers, errors, bodies. It is shown as text, isolated from the direction of
// what is around it, with what cannot be seen made visible, and cut where it is long.
import { html, useState } from '../view.js';
import { count } from '../format.js';

const C0 = ('NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC '
  + 'FS GS RS US').split(' ');
const NAMES = {
  0x85: 'NEL', 0xa0: 'NBSP', 0xad: 'SHY', 0x61c: 'ALM', 0x200b: 'ZWSP', 0x200e: 'LRM', 0x200f: 'RLM', 0x2028: 'LS',
  0x2029: 'PS', 0x202a: 'LRE', 0x202b: 'RLE', 0x202c: 'PDF', 0x202d: 'LRO', 0x202e: 'RLO', 0x2060: 'WJ',
  0x2066: 'LRI', 0x2067: 'RLI', 0x2068: 'FSI', 0x2069: 'PDI', 0xfeff: 'BOM',
};
const HIDDEN = new RegExp('([\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e'
  + '\\u2060-\\u2069\\ufeff]|[\\u{e0000}-\\u{e007f}])', 'u');

function nameOf(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return C0[code];
  if (code === 0x7f) return 'DEL';
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** `keep`: characters that stay as they are (line ends and tabs, in what is laid out in lines). */
export function visible(text, keep = '') {
  const parts = text.split(HIDDEN);
  if (parts.length === 1) return text;
  return parts.map((part, i) => {
    if (i % 2 === 0 || keep.includes(part)) return part;
    return html`<span class="control" title=${`U+${part.codePointAt(0).toString(16).toUpperCase()}`}>${nameOf(part)}
      </span>`;
  });
}

/** The same where there can be nothing but text (the title of the window). */
export const plain = (text) => text.split(HIDDEN).map((part, i) => (i % 2 === 0 ? part : nameOf(part))).join('');

/** The beginning, no half of a character at its end. */
export function head(text, length) {
  const cut = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** One line of such text; `max` characters until somebody asks for the rest. */
export function Text({ value, max = 200, keep = '', fallback = '–', class: name = '' }) {
  const [shown, setShown] = useState(max);
  if (value === null || value === undefined || value === '') return html`<span class="faint">${fallback}</span>`;
  const text = String(value);
  if (text.length <= shown) return html`<bdi class="text ${name}">${visible(text, keep)}</bdi>`;
  const more = Math.min(text.length - shown, 20000);
  return html`<bdi class="text ${name}">${visible(head(text, shown), keep)}</bdi><button class="more" type="button"
    onClick=${(event) => { event.stopPropagation(); setShown(shown + more); }}>… ${count(text.length - shown)} more
      </button>`;
}

/** In a row of a list, where there is one line and no buttons. */
export function Line({ value, max = 160, fallback = '–', class: name = '' }) {
  if (value === null || value === undefined || value === '') return html`<span class="faint">${fallback}</span>`;
  const text = String(value);
  const cut = text.length > max ? `${head(text, max)}…` : text;
  return html`<bdi class="text line ${name}" title=${head(text, 500)}>${visible(cut)}</bdi>`;
}
