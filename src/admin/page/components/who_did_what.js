// Who did what to a case or a queue, newest first, as the audit trail says.
import { html } from '../view.js';
import { call, can } from '../api.js';
import { callsOf, changesOf, endOf, isDryRun, operationWords } from '../audit.js';
import { to } from '../router.js';
import { useLoad } from './load.js';
import { ProblemNote } from './states.js';
import { Text } from './text.js';
import { Ago } from './time.js';

const SHOWN = 40; // entries: two a call

/** `changes`: [{ name, before, after }], of which one may be missing. */
export function ChangeList({ changes }) {
  return changes.map(({ name, before, after }) => html`<div key=${name} class="faint"><${Text} value=${name}
    max=${60} />: ${before !== undefined && html`<${Text} value=${before} max=${120} fallback="nothing" />`}${' → '}
    ${after !== undefined && html`<${Text} value=${after} max=${120} fallback="nothing" />`}</div>`);
}

export const Changes = ({ entry }) => html`<${ChangeList} changes=${changesOf(entry)} />`;

export function WhoDidWhat({ target, title = 'Who did what' }) {
  return can('listAudit') ? html`<${Listed} target=${target} title=${title} />` : null;
}

function Listed({ target, title }) {
  const { data, problem, again } = useLoad((signal) => call('listAudit', { query: { target, limit: SHOWN }, signal }),
    [target]);
  if (problem) return html`<section class="card"><h2>${title}</h2><${ProblemNote} problem=${problem} again=${again} />
    </section>`;
  const calls = callsOf(data?.items ?? []);
  if (calls.length === 0) return null;
  return html`<section class="card"><h2>${title}</h2>
    <ol class="related">${calls.map((entry) => html`<li key=${entry.number}><${Ago} at=${entry.called_at} />
      <span><b class="name"><${Text} value=${entry.actor} max=${60} fallback="somebody" /></b>
        ${` ${operationWords(entry.operation)}`}${isDryRun(entry) && html` <span class="tag">dry run</span>`}
        ${endOf(entry).text !== 'done' && html` <span
          class="tag">${endOf(entry).text}</span>`}
        <${Changes} entry=${entry} /></span></li>`)}</ol>
    ${data.cursor && html`<p class="faint small"><a href=${to('/hospital/audit', { target })}>All of it</a></p>`}
  </section>`;
}
