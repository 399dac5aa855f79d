// Beside a message that failed: the newest one of its type that was acknowledged, and what differs. Asked for when
// somebody wants to know, since the broker looks for it in the log.
import { html, useState } from '../view.js';
import { call, can } from '../api.js';
import { Difference } from './difference.js';
import { useLoad } from './load.js';
import { Loading, ProblemNote } from './states.js';
import { Text } from './text.js';
import { Ago } from './time.js';

function Compared({ one }) {
  const { data, problem, again } = useLoad((signal) => call('getAcknowledgedLike', { args: { id: one.id }, signal }),
    [one.id, one.version]);
  if (problem) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="the newest that was acknowledged" />`;
  if (!data.message) return html`<p class="faint">None of the newest messages of this type was acknowledged here, or it
    is no longer kept.</p>`;
  return html`<p class="faint">Message <span class="mono"><${Text} value=${data.message.id} /></span>, published${' '}
    <${Ago} at=${data.message.published_at} />, at offset ${data.message.offset}. What is removed stands there only,
    what is added stands here only.</p>
    <${Difference} lines=${data.lines} />`;
}

export function Acknowledged({ one }) {
  const [asked, setAsked] = useState(false);
  if (!can('getAcknowledgedLike') || !one.message || one.message.damaged) return null;
  return html`<section class="card"><h2>One that went well</h2>
    ${asked ? html`<${Compared} one=${one} />` : html`<button type="button" onClick=${() => setAsked(true)}>Compare with
      the newest acknowledged one of this type</button>`}
  </section>`;
}
