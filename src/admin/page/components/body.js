// The body of a message: JSON, and protobuf that the broker has decoded, and XML laid out and foldable, text, or bytes
// in hexadecimal. Never as anything that a browser would run; long lines are cut, and of long bodies the beginning is
// shown until somebody asks for more.
import { html, useMemo, useState } from '../view.js';
import { bodyAddress } from '../api.js';
import { bytes as size, count } from '../format.js';
import { jsonTree, textOf } from '../json_tree.js';
import { notify } from '../store.js';
import { parseXml } from '../xml.js';
import { Icon } from './icons.js';
import { Text } from './text.js';

const LAID_OUT_BYTES = 2 << 20; // larger bodies are shown as text
const MANY = 100; // members of an object that are drawn at once
const LINES = 400;
const HEX_BYTES = 2048;

/** { text, bytes }: of a message as the API gives it; text is null when it is not UTF-8. */
export function contentOf(message) {
  if (message.withheld) return { text: '', bytes: null };
  if (message.body !== undefined) return { text: message.body, bytes: null };
  if (message.body_base64 === undefined) return { text: '', bytes: null };
  const raw = atob(message.body_base64);
  return { text: null, bytes: Uint8Array.from(raw, (c) => c.charCodeAt(0)) };
}

/** The tree of json_tree.js; undefined when the text is no JSON, or too long to be laid out. */
export function parseJson(text) {
  if (text === null || text.length > LAID_OUT_BYTES || !/^\s*[[{"\d\-tfn]/.test(text)) return undefined;
  return jsonTree(text);
}

function xmlOf(text, type) {
  if (text === null || text.length > LAID_OUT_BYTES || !/^\ufeff?\s*</.test(text)) return undefined;
  if (type && !/xml/i.test(type) && !/^\s*<\?xml/.test(text)) return undefined;
  return parseXml(text);
}

// --- JSON --------------------------------------------------------------------------------------------------------

function Scalar({ token }) {
  const text = useMemo(() => (token[0] === '"' ? textOf(token) : null), [token]);
  if (text !== null) return html`<span class="json-text">"<${Text} value=${text} max=${400} fallback="" />"</span>`;
  const kind = token === 'null' ? 'null' : token === 'true' || token === 'false' ? 'boolean' : 'number';
  return html`<span class="json-${kind}"><${Text} value=${token} max=${400} /></span>`;
}

/** `token`: of a member's name; an item of a list has none. */
const Name = ({ token }) => token !== undefined && html`<span class="json-name"><${Text} value=${textOf(token)}
  max=${120} fallback='""' /></span>: `;

function Node({ name, value, depth }) {
  const [open, setOpen] = useState(depth < 3);
  const [shown, setShown] = useState(MANY);
  if (typeof value === 'string') return html`<div class="node"><${Name} token=${name} /><${Scalar}
    token=${value} /></div>`;
  const { names, values } = value;
  const brackets = names ? '{}' : '[]';
  if (values.length === 0) return html`<div class="node"><${Name} token=${name} />${brackets}</div>`;
  return html`<details class="node" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary><${Name} token=${name} /><span class="faint">${brackets[0]}${open ? ''
      : ` ${count(values.length)} `}${open ? '' : brackets[1]}</span></summary>
    ${open && html`<div class="inside">
      ${values.slice(0, shown).map((one, i) => html`<${Node} key=${i} name=${names?.[i]} value=${one}
        depth=${depth + 1} />`)}
      ${values.length > shown && html`<button type="button" class="more" onClick=${() => setShown(shown + 10 * MANY)}>
        … ${count(values.length - shown)} more</button>`}
    </div><span class="faint">${brackets[1]}</span>`}
  </details>`;
}

// --- XML ---------------------------------------------------------------------------------------------------------

function Element({ node, depth }) {
  const [open, setOpen] = useState(depth < 3);
  const [shown, setShown] = useState(MANY);
  if (node.text !== undefined) return html`<div class="node"><${Text} value=${node.text} max=${400} keep=${'\n\t'} />
    </div>`;
  if (node.comment !== undefined) {
    return html`<div class="node faint">${'<!--'}<${Text} value=${node.comment} max=${400} fallback="" />${'-->'}
      </div>`;
  }
  const { name, attributes, children } = node;
  const head = html`<span class="json-name">${'<'}<${Text} value=${name} max=${80} /></span>
    ${attributes.map((one) => html` <${Text} value=${one.name} max=${80} />=<span class="json-text">"<${Text}
      value=${one.value} fallback="" />"</span>`)}
    <span class="json-name">${children.length === 0 ? '/>' : '>'}</span>`;
  if (children.length === 0) return html`<div class="node">${head}</div>`;
  const tail = html`<span class="faint">${'</'}<${Text} value=${name} max=${80} />${'>'}</span>`;
  if (children.length === 1 && children[0].text?.length < 80) {
    return html`<div class="node">${head}<${Text} value=${children[0].text} />${tail}</div>`;
  }
  return html`<details class="node" open=${open} onToggle=${(event) => setOpen(event.target.open)}><summary>${head}
    </summary>
    ${open && html`<div class="inside">${children.slice(0, shown).map((one, i) => html`<${Element} key=${i}
      node=${one} depth=${depth + 1} />`)}
      ${children.length > shown && html`<button type="button" class="more" onClick=${() => setShown(shown + 10 * MANY)}>
        … ${count(children.length - shown)} more</button>`}</div>${tail}`}
  </details>`;
}

// --- Text and bytes ------------------------------------------------------------------------------------------------

function Lines({ text }) {
  const [shown, setShown] = useState(LINES);
  const lines = useMemo(() => text.split('\n'), [text]);
  return html`<pre tabindex="0" class="lines">${lines.slice(0, shown).map((line, i) => html`<div key=${i}><${Text}
    value=${line} max=${600} keep=${'\t'} fallback=" " /></div>`)}</pre>
    ${lines.length > shown && html`<button type="button" class="more" onClick=${() => setShown(shown + 5 * LINES)}>
      … ${count(lines.length - shown)} more lines</button>`}`;
}

function hexLine(data, at) {
  const part = [...data.subarray(at, at + 16)];
  const hex = part.map((b) => b.toString(16).padStart(2, '0')).join(' ').padEnd(48);
  return `${at.toString(16).padStart(8, '0')}  ${hex} ${part.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b)
    : '·')).join('')}`;
}

function Hex({ data }) {
  const [shown, setShown] = useState(HEX_BYTES);
  const lines = [];
  for (let at = 0; at < Math.min(shown, data.length); at += 16) lines.push(hexLine(data, at));
  return html`<pre tabindex="0" class="hex">${lines.join('\n')}</pre>
    ${data.length > shown && html`<button type="button" class="more" onClick=${() => setShown(shown + 32 * HEX_BYTES)}>
      … ${size(data.length - shown)} more</button>`}`;
}

const VIEWS = { protobuf: 'Protobuf', json: 'JSON', xml: 'XML', text: 'Text', hex: 'Hex' };

/** `id`: of the case whose body it is, for the raw one. */
export function Body({ message, id }) {
  const content = useMemo(() => contentOf(message), [message]);
  const protobuf = useMemo(() => parseJson(message.body_protobuf?.json ?? null), [message]);
  const json = useMemo(() => parseJson(content.text), [content]);
  const xml = useMemo(() => (json ? undefined : xmlOf(content.text, message.content_type)), [content]);
  const [chosen, setChosen] = useState(null);
  const data = content.bytes ?? (chosen === 'hex' ? new TextEncoder().encode(content.text) : null);
  // What is withheld has no bytes to be seen, but may be decoded.
  const withheld = Boolean(message.withheld);
  const bare = withheld ? [] : [json && 'json', xml && 'xml', content.text !== null && 'text', 'hex'];
  const views = [protobuf && 'protobuf', ...bare].filter(Boolean);
  const view = views.includes(chosen) ? chosen : views[0];
  const length = content.bytes ? content.bytes.length : new Blob([content.text]).size;
  const { type, undecoded } = message.body_protobuf ?? {};
  const copied = view === 'protobuf' ? message.body_protobuf.json : content.text;
  const copy = async () => {
    await navigator.clipboard.writeText(copied);
    notify({ kind: 'good', text: `Copied ${size(new Blob([copied]).size)}.` });
  };
  if (withheld && !protobuf) return html`<p class="faint">The body is not shown: <${Text} value=${message.withheld}
    max=${200} />.</p>`;
  return html`<div class="body">
    ${message.masked && html`<p class="faint">Some of this message is masked: it shows as ***.</p>`}
    ${withheld && html`<p class="faint">The bytes of the body are not shown: <${Text} value=${message.withheld}
      max=${200} />.</p>`}
    ${message.unopened && html`<p class="faint">Shown as it is stored: <${Text} value=${message.unopened}
      max=${200} />.</p>`}
    ${undecoded && html`<p class="faint">Not decoded as protobuf: <${Text} value=${undecoded} max=${400} />.</p>`}
    <div class="body-bar">
      <div class="tabs" role="group" aria-label="How the body is shown">
        ${views.map((one) => html`<button type="button" key=${one} aria-pressed=${one === view} onClick=${() =>
          setChosen(one)}>${VIEWS[one]}</button>`)}
      </div>
      ${view === 'protobuf' && html`<span class="small"><${Text} value=${type} max=${200} /></span>`}
      ${!withheld && html`<span class="faint small">${size(length)}</span>`}
      <span class="grow"></span>
      ${copied !== null && navigator.clipboard && html`<button type="button" class="quiet" onClick=${copy}>
        <${Icon} name="copy" />Copy</button>`}
      ${id && !withheld && !message.unopened && html`<a class="button quiet" href=${bodyAddress(id)} target="_blank"
          rel="noopener">Raw</a>
        <a class="button quiet" href=${bodyAddress(id)} download=${`case-${id}`}>Download</a>`}
    </div>
    <div class="body-view">
      ${length === 0 && !withheld ? html`<p class="faint">The body is empty.</p>`
        : view === 'protobuf' ? html`<${Node} value=${protobuf} depth=${0} />`
        : view === 'json' ? html`<${Node} value=${json} depth=${0} />`
        : view === 'xml' ? html`<${Element} node=${xml} depth=${0} />`
        : view === 'text' ? html`<${Lines} text=${content.text} />`
        : html`<${Hex} data=${data ?? new TextEncoder().encode(content.text)} />`}
    </div>
  </div>`;
}
