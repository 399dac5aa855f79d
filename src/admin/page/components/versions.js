// The versions of an edited message: who made each and when, and what differs between two of them.
import { html, useState } from '../view.js';
import { call, can } from '../api.js';
import { Difference } from './difference.js';
import { useLoad } from './load.js';
import { Loading, ProblemNote } from './states.js';
import { Text } from './text.js';
import { Ago } from './time.js';

function Compare({ one, from, to }) {
  const { data, problem, again } = useLoad((signal) => call('getCaseDiff', { args: { id: one.id }, query: { from, to },
    signal }), [one.id, from, to]);
  if (problem) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="two versions" />`;
  return html`<${Difference} lines=${data.lines} masked=${data.masked_differs} />`;
}

export function Versions({ one }) {
  const [from, setFrom] = useState(0);
  const edits = one.edits ?? [];
  if (edits.length === 0) return null;
  return html`<section class="card"><h2>Edits</h2>
    <ol class="edits">${edits.map((edit) => html`<li key=${edit.version}><span class="tag">version ${edit.version}
      </span>
      <${Text} value=${edit.by} max=${80} fallback="somebody" /> <${Ago} at=${edit.at} />
      ${edit.note && html`<div class="faint"><${Text} value=${edit.note} max=${400} /></div>`}</li>`)}</ol>
    ${can('getCaseDiff') && html`<label class="choice">What differs between version
      <select value=${from} onChange=${(e) => setFrom(Number(e.target.value))}>
        ${[0, ...edits.map((edit) => edit.version)].filter((n) => n < one.version).map((n) => html`<option key=${n}
          value=${n}>${n === 0 ? '0 (the original)' : n}</option>`)}
      </select> and ${one.version}</label>
      <${Compare} one=${one} from=${from} to=${one.version} />`}
  </section>`;
}
