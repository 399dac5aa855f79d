// Everything that is known under the correlation id of a case, in the order of time.
import { html } from '../view.js';
import { call, can } from '../api.js';
import { words } from '../format.js';
import { segment } from '../router.js';
import { useLoad } from './load.js';
import { Line, Text } from './text.js';
import { Ago } from './time.js';

const SAYS = { admitted: 'admitted on', relapsed: 'relapsed on', discharged: 'discharged on',
  discarded: 'discarded on' };

function Item({ item, here }) {
  const text = item.what === 'attempt' ? `attempt ${item.attempt.number}: ${words(item.attempt.outcome)} on`
    : SAYS[item.what] ?? words(item.what);
  return html`<li><${Ago} at=${item.at} />
    <span>${text} <b class="name"><${Text} value=${item.subscription} max=${60} /></b></span>
    ${item.case === here ? html`<span class="faint">this case</span>` : html`<a
      href=${`/hospital/cases/${segment(item.case)}`}>${item.case}</a>`}
    ${item.attempt?.error_message && html`<span class="faint"><${Line} value=${item.attempt.error_message}
      max=${100} /></span>`}</li>`;
}

export function Related({ one }) {
  if (!one.correlation_id || !can('getCorrelation')) return null;
  return html`<${List} one=${one} />`;
}

function List({ one }) {
  const { data } = useLoad((signal) => call('getCorrelation', { args: { id: one.correlation_id }, signal }),
    [one.correlation_id]);
  if (!data?.items?.length) return null;
  return html`<section class="card"><h2>Under the same correlation id</h2>
    <ol class="related">${data.items.map((item, i) => html`<${Item} key=${i} item=${item} here=${one.id} />`)}</ol>
      </section>`;
}
