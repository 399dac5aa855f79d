// What people know about a cause: note, owner, ticket, and until when nobody wants to hear of it.
import { html, useState } from '../view.js';
import { call } from '../api.js';
import { notify } from '../store.js';
import { Dialog } from './dialog.js';
import { Text } from './text.js';

const SPANS = [['', 'not snoozed'], ['1', 'for an hour'], ['8', 'for 8 hours'], ['24', 'for a day'], ['168',
  'for a week']];

export function GroupDialog({ group, close, then }) {
  const [note, setNote] = useState(group.note ?? '');
  const [owner, setOwner] = useState(group.owner ?? '');
  const [ticket, setTicket] = useState(group.ticket ?? '');
  const [span, setSpan] = useState(group.snoozed_until ? 'keep' : '');
  const act = async () => {
    const body = { note, owner, ticket };
    if (span !== 'keep') body.snoozed_until = span ? new Date(Date.now() + Number(span) * 3600000).toISOString() : null;
    await call('patchGroup', { args: { id: group.id }, body });
    notify({ kind: 'good', text: 'What is known about this cause is saved.' });
    then?.();
  };
  const field = (label, value, change) => html`<label class="field">${label}
    <input type="text" maxlength="1000" autocomplete="off" value=${value} onInput=${(e) => change(e.target.value)} />
      </label>`;
  return html`<${Dialog} title="What is known about this cause" confirm="Save" act=${act} close=${close}>
    <p>Keep this with every case of <b class="name"><${Text} value=${group.error_type} fallback="this cause"
      max=${80} /></b> on
      <b class="name"><${Text} value=${group.subscription} max=${80} /></b>, also those that come later.</p>
    ${field('Owner', owner, setOwner)}${field('Ticket', ticket, setTicket)}
    <label class="field">Note <textarea rows="3" value=${note} onInput=${(e) => setNote(e.target.value)}></textarea>
      </label>
    <label class="field">Snooze <select value=${span} onChange=${(e) => setSpan(e.target.value)}>
      ${group.snoozed_until && html`<option value="keep">as it is</option>`}
      ${SPANS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
  </${Dialog}>`;
}
