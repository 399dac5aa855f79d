// What was done to a case since it was admitted, and by whom: replays, what became of them, discards, restores.
import { html } from '../view.js';
import { some } from '../format.js';
import { segment } from '../router.js';
import { Text } from './text.js';
import { Ago } from './time.js';

function Item({ event }) {
  const job = event.job && html`<a href=${`/hospital/replays/${segment(event.job)}`}>replay ${event.job}</a>`;
  return html`<li><${Ago} at=${event.at} />
    <span>${event.what}${event.to && html` to <b class="name"><${Text} value=${event.to} max=${60} /></b>`}
      ${job ? html` by ${job}`
        : event.by && html` by <b class="name"><${Text} value=${event.by} max=${60} /></b>`}</span>
    ${event.reason && html`<span class="faint"><${Text} value=${event.reason} max=${400} /></span>`}</li>`;
}

export function CaseHistory({ one }) {
  const events = one.history ?? [];
  if (events.length === 0) return null;
  return html`<section class="card"><h2>What was done to it</h2>
    ${one.history_left_out > 0 && html`<p class="faint">${some(one.history_left_out, 'older entry',
      'older entries')} left out.</p>`}
    <ol class="related history">${events.map((event, i) => html`<${Item} key=${i} event=${event} />`)}</ol>
  </section>`;
}
