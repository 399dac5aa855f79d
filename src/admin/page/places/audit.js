// Who looked at what, and changed what? The audit trail, newest first.
import { html, useEffect, useState } from '../view.js';
import { can, useOperations } from '../api.js';
import { callsOf, endOf, isDryRun, operationWords } from '../audit.js';
import { Heading } from '../components/heading.js';
import { Badge } from '../components/icons.js';
import { useNewestFirst } from '../components/newest_first.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { Changes } from '../components/who_did_what.js';
import { go, segment, to } from '../router.js';
import { useStore } from '../store.js';
import { NowherePlace } from './nowhere.js';

const PAGE = 200; // entries
const FIELDS = ['actor', 'operation', 'target', 'since'];
const HINTS = { actor: 'ann', operation: 'editCase', target: 'orders', since: '-2h' };
const queryOf = (state) => state.address.query;

export function AuditPlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Audit" /><${Loading} what="what this broker can do" />`;
  return can('listAudit') ? html`<${Audit} />` : html`<${NowherePlace} />`;
}

const isCase = (target) => /^\d+-\d+-\d+-\d+$/.test(target ?? '');

function Filter({ wanted }) {
  const [given, setGiven] = useState(wanted);
  useEffect(() => setGiven(wanted), [FIELDS.map((field) => wanted[field]).join('\n')]);
  const submit = (event) => {
    event.preventDefault();
    go(to('/hospital/audit', given));
  };
  return html`<form class="fields" role="search" aria-label="Filter" onSubmit=${submit}>
    ${FIELDS.map((field) => html`<label key=${field}>${field === 'since' ? 'Since' : `Of this ${field}`}
      <input type="text" value=${given[field] ?? ''} placeholder=${HINTS[field]} spellcheck=${false} autocomplete="off"
        onInput=${(event) => setGiven({ ...given, [field]: event.target.value.trim() })} /></label>`)}
    <button type="submit">Filter</button></form>`;
}

function Call({ entry }) {
  const end = endOf(entry);
  return html`<li><${Ago} at=${entry.called_at} />
    <span><b class="name"><${Text} value=${entry.actor} max=${60} fallback="somebody" /></b>
      ${entry.peer !== entry.actor && html`<span class="faint"> from <${Text} value=${entry.peer} max=${60}
        fallback="an unknown place" /></span>`}
      <div>${operationWords(entry.operation)}${isDryRun(entry) && html` <span class="tag">dry run</span>`}${' '}
        ${isCase(entry.target) ? html`<a href=${`/hospital/cases/${segment(entry.target)}`}
          class="mono">${entry.target}</a>` : html`<${Line} value=${entry.target} max=${120} />`}</div>
      <${Changes} entry=${entry} /></span>
    <${Badge} tone=${end.tone} icon=${end.icon}>${end.text}</${Badge}></li>`;
}

function Audit() {
  const query = useStore(queryOf);
  const wanted = Object.fromEntries(FIELDS.map((field) => [field, query.get(field) ?? '']));
  const asked = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  const { items: entries, problem, again, older } = useNewestFirst('listAudit', { ...asked, limit: PAGE },
    (entry) => entry.number);
  const calls = callsOf(entries ?? []);
  return html`<${Heading} title="Audit" /><${HospitalTabs} />
    <${Filter} wanted=${wanted} />
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!entries && !problem && html`<${Loading} what="the audit trail" />`}
    ${entries && calls.length === 0 && html`<${Empty} title="Nothing of the kind">Looks at messages, edits, replays,
      discards, rules and changes of options are noted here, with who did it and what it changed.</${Empty}>`}
    ${calls.length > 0 && html`<section class="card"><ol class="related audit">${calls.map((entry) => html`<${Call}
      key=${entry.number} entry=${entry} />`)}</ol>
      ${older && html`<button type="button" onClick=${older}>Older ones</button>`}</section>`}`;
}
