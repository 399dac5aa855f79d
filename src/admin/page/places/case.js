// What happened to this message? One case: its chart of attempts, the message, versions and what differs, and what can
// be done.
import { html, useEffect, useState } from '../view.js';
import { call, can, takesQuery, useOperations } from '../api.js';
import { Acknowledged } from '../components/acknowledged.js';
import { Attempts } from '../components/attempts.js';
import { Body } from '../components/body.js';
import { CaseHistory } from '../components/case_history.js';
import { DiscardDialog, RestoreDialog } from '../components/case_dialogs.js';
import { EditDialog } from '../components/edit_dialog.js';
import { Heading } from '../components/heading.js';
import { CaseState, Icon } from '../components/icons.js';
import { useKeys } from '../components/keys.js';
import { useLoad } from '../components/load.js';
import { OwnerCard } from '../components/owner.js';
import { Related } from '../components/related.js';
import { ReplayDialog } from '../components/replay_dialogs.js';
import { Loading, ProblemNote } from '../components/states.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { Versions } from '../components/versions.js';
import { WhoDidWhat } from '../components/who_did_what.js';
import { term } from '../filter.js';
import { count, some, words } from '../format.js';
import { to } from '../router.js';
import { useStore } from '../store.js';

const tickOf = (state) => state.tick;

const REASONS = {
  attempts_exhausted: 'its attempts are used up',
  killed_workers: 'it killed the workers that took it',
  rejected: 'a worker rejected it',
  expired: 'its time to live was over',
  quarantined: 'a quarantine rule matched it',
  damaged: 'its bytes are damaged on the disk',
};

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

function casesLink(field, value, text) {
  if (!value || !(takesQuery('listCases', 'filter') || ['subscription', 'type',
    'key'].includes(field))) return html`<${Text} value=${value} max=${80} />`;
  return html`<a href=${to('/hospital/cases', { filter: term(field, value) })} title=${text}><${Line} value=${value}
    max=${80} /></a>`;
}

function Facts({ one }) {
  const { message } = one;
  return html`<dl class="facts">
    <${Fact} name="Subscription">${casesLink('subscription', one.subscription, 'Cases of this subscription')}</${Fact}>
    ${one.source !== one.subscription && html`<${Fact} name="From"><${Text} value=${one.source} /></${Fact}>`}
    <${Fact} name="Offset">${count(one.offset)}</${Fact}>
    <${Fact} name="Type">${casesLink('type', one.type, 'Cases of this type')}</${Fact}>
    ${one.key && html`<${Fact} name="Key">${casesLink('key', one.key, 'Cases with this key')}</${Fact}>`}
    <${Fact} name="Message"><span class="mono"><${Text} value=${one.message_id} /></span></${Fact}>
    ${one.correlation_id && html`<${Fact} name="Correlation">${casesLink('correlation_id', one.correlation_id,
      'Cases with this correlation id')}</${Fact}>`}
    <${Fact} name="Published"><${Ago} at=${message?.published_at} /></${Fact}>
    <${Fact} name="Admitted"><${Ago} at=${one.admitted_at} /></${Fact}>
    ${one.first_admitted_at !== one.admitted_at && html`<${Fact} name="First admitted"><${Ago}
      at=${one.first_admitted_at} /></${Fact}>`}
    ${one.closed_at && html`<${Fact} name="Closed"><${Ago} at=${one.closed_at} /></${Fact}>`}
    <${Fact} name="Failures">${count(one.failure_count)} of ${some(one.attempt_count, 'attempt')}</${Fact}>
    <${Fact} name="Replays">${count(one.replay_count)}, ${some(one.relapse_count, 'relapse')}</${Fact}>
    ${one.group && html`<${Fact} name="Group">${can('listGroups') ? casesLink('group', one.group,
      'Cases of the same cause')
      : html`<span class="mono">${one.group}</span>`}</${Fact}>`}
    ${one.redirected_to && html`<${Fact} name="Redirected to"><${Text} value=${one.redirected_to} /></${Fact}>`}
    ${one.discard_reason && html`<${Fact} name="Discarded because"><${Text} value=${one.discard_reason} max=${400} />
      </${Fact}>`}
  </dl>`;
}

/** What a message carries beside its body, headers last. */
function Envelope({ message }) {
  const own = ['content_type', 'schema_id', 'content_encoding', 'compressed', 'priority', 'expires_at', 'deadline',
    'reply_to', 'causation_id', 'traceparent']
    .filter((name) => message[name] !== undefined && message[name] !== null && message[name] !== 0);
  const headers = Object.entries(message.headers ?? {});
  if (own.length + headers.length === 0) return null;
  return html`<dl class="envelope">
    ${own.map((name) => html`<div key=${name}><dt class="faint">${words(name)}</dt><dd><${Text}
      value=${message[name]} /></dd></div>`)}
    ${headers.map(([name, value]) => html`<div key=${`h ${name}`}><dt><${Text} value=${name} max=${80} /></dt>
      <dd>${[value].flat().map((one) => html`<div><${Text} value=${one} max=${400} fallback="(empty)" /></div>`)}</dd>
        </div>`)}
  </dl>`;
}

function why(one) {
  const since = html`<${Ago} at=${one.closed_at ?? one.admitted_at} />`;
  if (one.state === 'replaying') return html`It is on its way to <b class="name"><${Text} value=${one.subscription} />
    </b> once more.`;
  if (one.state === 'discharged') return html`It was cured: acknowledged ${since}${one.replay_count > 0
    ? `, after ${some(one.replay_count, 'replay')}` : ''}.`;
  if (one.state === 'discarded') return html`It was given up ${since}.`;
  return html`It was admitted ${since}, because ${REASONS[one.reason] ?? words(one.reason)}${one.relapse_count > 0
    ? `; it has relapsed ${one.relapse_count === 1 ? 'once' : `${count(one.relapse_count)} times`}` : ''}.`;
}

function Buttons({ one, ask }) {
  const open = one.state === 'admitted';
  const editable = open && can('editCase') && one.message && !one.message.damaged;
  return html`<div class="actions">
    ${open && html`<button type="button" class="primary" onClick=${() => ask('replay')}><${Icon}
      name="back" />Replay… <kbd>r</kbd></button>`}
    ${editable && html`<button type="button" onClick=${() => ask('edit')}>Edit… <kbd>e</kbd></button>`}
    ${open && html`<button type="button" class="grave" onClick=${() => ask('discard')}>Discard… <kbd>d</kbd></button>`}
    ${one.state === 'discarded' && can('restoreCase') && html`<button type="button" class="primary" onClick=${() =>
      ask('restore')}>Restore…</button>`}
    ${one.state === 'replaying' && html`<p class="faint" role="status"><span class="spinner" aria-hidden="true">
      </span> Waiting for its outcome; this page shows it.</p>`}
  </div>`;
}

export function CasePlace({ id }) {
  const operations = useOperations();
  const tick = useStore(tickOf);
  const [dialog, setDialog] = useState(null);
  const { data, problem, look, again } = useLoad((signal) => call('getCase', { args: { id }, signal, withTag: true }),
    [id]);
  const one = data?.answer;
  useEffect(() => { if (one?.state === 'replaying' || (one && tick % 10 === 0)) look(); }, [tick]);
  const ask = (what) => {
    if (what === 'edit' ? one?.state === 'admitted' && can('editCase') && one.message : one?.state === 'admitted'
      || what === 'restore') setDialog(what);
    else return false;
  };
  useKeys({ r: () => ask('replay'), d: () => ask('discard'), e: () => ask('edit') });
  const up = { to: '/hospital/cases', text: '← Cases' };
  const back = { ...up, text: 'Back to the cases' };
  if (problem && !one) return html`<${Heading} title=${`Case ${id}`} up=${up} /><${ProblemNote} problem=${problem}
    again=${again} back=${back} />`;
  if (!one || !operations) return html`<${Heading} title=${`Case ${id}`} up=${up} /><${Loading}
    what=${`case ${id}`} />`;
  const Shown = { replay: ReplayDialog, discard: DiscardDialog, restore: RestoreDialog }[dialog];
  return html`<${Heading} title=${`Case ${one.id}`} up=${up}>Case <span class="mono">${one.id}</span> <${CaseState}
    state=${one.state} /></${Heading}>
    <div class="case-head">
      <p class="lead"><strong><${Text} value=${one.error_type} fallback=${words(one.reason)} max=${120} /></strong>
        ${one.error_message && html` <${Text} value=${one.error_message} max=${300} />`}</p>
      <p class="faint">${why(one)}</p>
    </div>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} back=${back} />`}
    <div class="split">
      <div class="split-main">
        <section class="card"><h2>Attempts</h2><${Attempts} attempts=${one.attempts ?? []} /></section>
        <section class="card"><h2>Message ${one.version > 0 && html`<span class="tag">version ${one.version}</span>`}
          </h2>
          ${!one.message ? html`<p class="faint">The message is no longer kept: the case is closed and its log was
            trimmed.</p>`
            : one.message.damaged ? html`<p class="faint">The message is damaged: its bytes cannot be read.</p>`
            : html`<${Body} message=${one.message} id=${one.id} /><${Envelope} message=${one.message} />`}
        </section>
        <${Versions} one=${one} />
        <${CaseHistory} one=${one} />
        <${Acknowledged} one=${one} />
        <${Related} one=${one} />
        <${WhoDidWhat} target=${one.id} />
      </div>
      <aside class="split-side" aria-label="The case">
        <section class="card"><h2>What to do</h2><${Buttons} one=${one} ask=${ask} /></section>
        <${OwnerCard} one=${one} />
        <section class="card"><h2>Facts</h2><${Facts} one=${one} /></section>
      </aside>
    </div>
    ${Shown && html`<${Shown} cases=${[one]} close=${() => setDialog(null)} then=${again} />`}
    ${dialog === 'edit' && html`<${EditDialog} one=${one} tag=${data.tag ?? `"${one.version ?? 0}"`} close=${() =>
      setDialog(null)} then=${again} />`}`;
}
