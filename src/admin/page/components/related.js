// Everything that is known under the correlation id of a case, in the order of time.
import { html } from '../view.js';
import { call, can } from '../api.js';
import { words } from '../format.js';
import { segment } from '../router.js';
import { useLoad } from './load.js';
import { Line, Text } from './text.js';
import { Ago } from './time.js';

function Item({ item, here }) {
  const id = item.case_id ?? (item.kind === 'case' ? item.id : null);
  const name = item.subscription ?? item.source ?? item.queue;
  return html`<li><${Ago} at=${item.at ?? item.published_at ?? item.admitted_at} />
    <span>${words(item.kind ?? item.event ?? item.state)} <b class="name"><${Text} value=${name} max=${60} /></b></span>
    ${id && (id === here ? html`<span class="faint">this case</span>` : html`<a href=${`/hospital/cases/${segment(id)}`}>${id}</a>`)}
    ${item.type && html`<span class="faint"><${Line} value=${item.type} max=${60} /></span>`}</li>`;
}

export function Related({ one }) {
  if (!one.correlation_id || !can('getCorrelation')) return null;
  return html`<${List} one=${one} />`;
}

function List({ one }) {
  const { data } = useLoad((signal) => call('getCorrelation', { args: { id: one.correlation_id }, signal }), [one.correlation_id]);
  if (!data?.items?.length) return null;
  return html`<section class="card"><h2>Under the same correlation id</h2>
    <ol class="related">${data.items.map((item, i) => html`<${Item} key=${i} item=${item} here=${one.id} />`)}</ol></section>`;
}
