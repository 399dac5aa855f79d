// Two versions of a message beside each other: what was taken out, what was put in, with a little of what stayed.
import { html } from '../view.js';
import { difference } from '../diff.js';
import { contentOf, parseJson } from './body.js';
import { Text } from './text.js';

const AROUND = 3; // lines that stay, around what changed
const MOST_LINES = 600;

/** The message as text to compare: headers first, the body laid out if it is JSON. */
export function textOf(message) {
  const content = contentOf(message);
  const json = parseJson(content.text);
  const shown = json ? JSON.stringify(json.value, null, 2) : content.text ?? `(base64) ${message.body_base64}`;
  const body = message.withheld ? `(not shown: ${message.withheld})` : shown;
  const headers = Object.entries(message.headers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  return [`content type: ${message.content_type ?? ''}`, ...headers, '', body].join('\n');
}

export function Difference({ before, after }) {
  const lines = difference(before, after);
  if (lines.every((line) => line.kind === 'same')) return html`<p class="faint">Nothing differs.</p>`;
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((line) =>
    line.kind !== 'same'));
  const shown = lines.filter((_, i) => near[i]).slice(0, MOST_LINES);
  const marks = { same: ' ', out: '−', in: '+' };
  const names = { same: '', out: 'taken out: ', in: 'put in: ' };
  return html`<pre tabindex="0" class="difference">${shown.map((line, i) => html`<div key=${i} class=${line.kind}>
    <span aria-hidden="true">${marks[line.kind]}</span><span class="unseen">${names[line.kind]}</span><${Text}
      value=${line.text} max=${400} keep=${'\t'} fallback=" " /></div>`)}</pre>`;
}
