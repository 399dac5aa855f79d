// The snooze of a group: what ends it, in words, and as fields of a dialog.
import { html } from '../view.js';
import { AS_IT_IS, rateWords, wokenBy } from '../group.js';
import { Icon } from './icons.js';
import { Text } from './text.js';
import { Ago } from './time.js';

const SPANS = [['1', 'an hour has passed'], ['8', '8 hours have passed'], ['24', 'a day has passed'], ['168',
  'a week has passed']];

const listed = (parts) => parts.map((part, i) => html`${i === 0 ? '' : ' or '}${part}`);

/** In a line: what ends it, or what has ended the last one. */
export function Snoozed({ group }) {
  const { snoozed_until: until, snoozed_until_version: version, snoozed_until_rate: rate } = group;
  if (!group.snoozed) return html`<span class="snooze">woken <${Ago} at=${group.woken_at} /> by <${Text}
    value=${wokenBy(group.woken_by)} max=${60} /></span>`;
  return html`<span class="snooze"><${Icon} name="pause" /> snoozed, ends ${listed([
    until && html`<${Ago} at=${until} />`,
    version && html`with a case of version <${Text} value=${version} max=${40} />`,
    rate && html`at <${Text} value=${rateWords(rate)} max=${40} />`,
  ].filter(Boolean))}</span>`;
}

/** `snooze`: as snoozeOf of group.js. */
export function SnoozeFields({ group, snooze, change }) {
  const text = (label, name, hint) => html`<label class="field">${label} <input type="text" maxlength="256"
    autocomplete="off" spellcheck=${false} placeholder=${hint} value=${snooze[name]}
    onInput=${(e) => change({ ...snooze, [name]: e.target.value })} /></label>`;
  return html`<fieldset class="choices"><legend>Snooze: what comes first ends it</legend>
    <label class="field">Until this time <select value=${snooze.span}
      onChange=${(e) => change({ ...snooze, span: e.target.value })}>
      ${group.snoozed && group.snoozed_until && html`<option value=${AS_IT_IS}>as it is</option>`}
      <option value="">no time ends it</option>
      ${SPANS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label>
    ${text('Until a case of a version of its consumer', 'version', '>=2.4.2')}
    ${text('Until so many cases come in an hour (h) or a minute (m)', 'rate', '100/h')}
    ${(snooze.span || snooze.version || snooze.rate) && html`<button type="button" class="quiet" onClick=${() =>
      change({ span: '', version: '', rate: '' })}>${group.snoozed ? 'Wake it' : 'No snooze'}</button>`}
  </fieldset>`;
}
