// What people know about a cause: note, owner, ticket, and until when nobody wants to hear of it.
import { html, useState } from '../view.js';
import { call } from '../api.js';
import { snoozeFields, snoozeOf } from '../group.js';
import { brokerNow, notify } from '../store.js';
import { Dialog } from './dialog.js';
import { SnoozeFields } from './snooze.js';
import { Text } from './text.js';

export function GroupDialog({ group, close, then }) {
  const [note, setNote] = useState(group.note ?? '');
  const [owner, setOwner] = useState(group.owner ?? '');
  const [ticket, setTicket] = useState(group.ticket ?? '');
  const [snooze, setSnooze] = useState(snoozeOf(group));
  const act = async () => {
    const body = { note, owner, ticket, ...snoozeFields(group, snooze, brokerNow()) };
    await call('patchGroup', { args: { id: group.id }, body });
    notify({ kind: 'good', text: 'What is known about this cause is saved.' });
    then?.();
  };
  const field = (label, value, change) => html`<label class="field">${label}
    <input type="text" maxlength="1000" autocomplete="off" value=${value} onInput=${(e) => change(e.target.value)} />
      </label>`;
  return html`<${Dialog} title="What is known about this cause" confirm="Save" act=${act} close=${close}>
    <p>Keep this with every case of <b class="name"><${Text} value=${group.error_type} fallback="this cause"
      max=${80} /></b> on${' '}
      <b class="name"><${Text} value=${group.subscription} max=${80} /></b>, also those that come later.</p>
    ${field('Owner', owner, setOwner)}${field('Ticket', ticket, setTicket)}
    <label class="field">Note <textarea rows="3" value=${note} onInput=${(e) => setNote(e.target.value)}></textarea>
      </label>
    <${SnoozeFields} group=${group} snooze=${snooze} change=${setSnooze} />
  </${Dialog}>`;
}
