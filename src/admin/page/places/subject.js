// One queue or subscription: depth over time, what happened in the last hour, who consumes and what they hold, what it
// holds and why it is not delivered, its settings.
import { html, useEffect, useState } from '../view.js';
import { call, can, useOperations } from '../api.js';
import { Body } from '../components/body.js';
import { Breaker } from '../components/breaker.js';
import { HourChart } from '../components/chart.js';
import { Dialog } from '../components/dialog.js';
import { Heading } from '../components/heading.js';
import { HospitalBudget } from '../components/hospital_budget.js';
import { Badge, Icon } from '../components/icons.js';
import { useLoad } from '../components/load.js';
import { Runbook } from '../components/owner.js';
import { AddQuarantineDialog, LiftQuarantineDialog } from '../components/quarantine_dialogs.js';
import { Matches } from '../components/rule.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { Timeline } from '../components/timeline.js';
import { WhoDidWhat } from '../components/who_did_what.js';
import { term } from '../filter.js';
import { capital, count, rate, short, some, words } from '../format.js';
import { healthOf } from '../health.js';
import { casesOf } from '../quarantine.js';
import { segment, to } from '../router.js';
import { brokerNow, notify, useStore } from '../store.js';

const CALLS = {
  queue: { get: 'getQueue', patch: 'patchQueue', why: 'whyQueue', peek: 'peekQueue' },
  subscription: { get: 'getSubscription', patch: 'patchSubscription', why: 'whySubscription',
    peek: 'peekSubscription' },
};
const LOOK_EVERY = 3;
const PEEKED = 20;

const COUNTS = [['ready', 'ready'], ['leased', 'leased'], ['waiting', 'retrying'], ['scheduled', 'scheduled'],
  ['held', 'held'], ['in_hospital', 'open cases']];
/** What the rows of the overview have too, which come every second. */
const LIVE = [...COUNTS.map(([field]) => field), 'hospital_bytes', 'hospital_max_bytes', 'hospital_level'];
const TOTALS = ['entered_total', 'acked_total', 'discarded_total', 'expired_total', 'purged_total', 'dropped_total',
  'lost_to_retention_total', 'redirected_total'];
const SETTINGS = ['owner', 'runbook', 'alert_to', 'topic', 'max_attempts', 'backoff_initial', 'backoff_multiplier',
  'backoff_max', 'backoff_jitter', 'lease_duration',
  'max_worker_deaths', 'durability', 'ttl', 'on_expiry', 'order_by_key', 'on_key_failure', 'max_in_flight',
    'single_active_consumer', 'max_messages',
  'max_bytes', 'overflow', 'breaker', 'breaker_samples', 'breaker_ratio', 'breaker_window', 'breaker_pause',
  'deduplicate_for', 'case_retention', 'case_retention_count', 'hospital_max_bytes', 'filter', 'ephemeral', 'start'];

const rowsOf = (state) => state.rows;
const ratesOf = (state) => state.rates;
const historiesOf = (state) => state.histories;
const tickOf = (state) => state.tick;

function Counts({ subject }) {
  return html`<dl class="numbers">${COUNTS.map(([field, text]) => html`<div key=${field}><dt>${capital(text)}</dt>
    <dd class=${field === 'in_hospital' && subject[field] > 0 ? 'bad' : ''}>${field === 'in_hospital'
      ? html`<a href=${to('/hospital/cases', { filter: `${term('subscription', subject.name)} state=admitted` })}>
        ${short(subject[field])}</a>`
      : short(subject[field] ?? 0)}</dd></div>`)}</dl>`;
}

function Hour({ name }) {
  const history = useStore(historiesOf).get(name);
  const rates = useStore(ratesOf).get(name);
  return html`<section class="card"><h2>The last hour</h2><div class="charts">
    <figure><figcaption>In and out a minute <span class="faint">(now ${rate(rates?.in)}/s in, ${rate(rates?.out)}/s
      out)</span></figcaption>
      <${HourChart} area=${history?.entered} line=${history?.acked} label="Messages a minute" /></figure>
    <figure><figcaption>Failed attempts a minute</figcaption><${HourChart} area=${history?.failed}
      label="Failed attempts a minute" names=${['failed', '']} /></figure>
    <figure><figcaption>Not settled</figcaption><${HourChart} area=${history?.unsettled} label="Not settled"
      names=${['depth', '']} /></figure>
    <figure><figcaption>Open cases</figcaption><${HourChart} area=${history?.in_hospital} label="Open cases"
      names=${['cases', '']} /></figure>
  </div>
  </section>`;
}

function Consumers({ consumers }) {
  if (consumers.length === 0) return html`<p class="faint">Nobody consumes from it.</p>`;
  return html`<ul class="consumers">${consumers.map((one, i) => html`<li key=${i}>
    <span class="strong"><${Text} value=${one.name} max=${80} fallback="unnamed" /></span>
    ${one.version && html` <span class="tag"><${Text} value=${one.version} max=${40} /></span>`}
    ${one.host && html` <span class="faint">on <${Text} value=${one.host} max=${60} /></span>`}
    <span class="faint"> holds ${count(one.in_flight)}, ${count(one.begun)} begun</span>
    ${one.accepts?.length > 0 && html`<span class="faint"> takes <${Text} value=${one.accepts.join(', ')}
      max=${120} /></span>`}</li>`)}</ul>`;
}

/** `word`: how it is; when that is another, so is what is in the way. */
function Why({ calls, name, word }) {
  const { data, problem, look, again } = useLoad((signal) => call(calls.why, { args: { name }, signal }), [name]);
  const tick = useStore(tickOf);
  useEffect(() => { if (tick % 10 === 0) look(); }, [tick]);
  useEffect(() => { if (data) again(); }, [word]);
  if (problem) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="what is in the way" />`;
  return html`<ul class="why">${data.causes.map((cause) => html`<li key=${cause.code}><${Text} value=${cause.text}
    max=${400} /></li>`)}</ul>`;
}

/** Its quarantine rules; a new one is asked for by what can be done with it. */
function Quarantine({ name }) {
  const tick = useStore(tickOf);
  const [lifting, setLifting] = useState(null);
  const { data, problem, look, again } = useLoad((signal) => call('listQuarantines', { query: { subscription: name },
    signal }), [name]);
  useEffect(() => { if (tick % LOOK_EVERY === 0 && !lifting) look(); }, [tick]);
  if (problem && !data) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="quarantine rules" />`;
  return html`${data.items.length === 0 ? html`<p class="faint">No rule: nothing goes to the hospital before it is
      delivered.</p>` : html`<ul class="consumers">${data.items.map((rule) => html`<li key=${rule.id} class="rule">
      <span class="grow"><${Matches} filter=${rule.filter} />
        <span class="faint">${rule.reason && html`<${Text} value=${rule.reason} max=${120} />, `}ends <${Ago}
          at=${rule.until} fallback="when it is lifted" />; <a
          href=${casesOf(rule)}>${short(rule.caught_total)} caught</a></span></span>
      <button type="button" onClick=${() => setLifting(rule)}>Lift…</button></li>`)}</ul>
      ${data.cursor && html`<p class="faint small"><a href=${to('/hospital/quarantine', { subscription: name })}>
        All of them</a></p>`}`}
    ${lifting && html`<${LiftQuarantineDialog} rule=${lifting} close=${() => setLifting(null)} then=${again} />`}`;
}

function Message({ message }) {
  const [open, setOpen] = useState(false);
  return html`<li><details open=${open} onToggle=${(e) => setOpen(e.target.open)}>
    <summary><span class="mono">${message.offset}</span> ${message.state && html`<span class="tag">
      ${words(message.state)}</span>`}
      <${Line} value=${message.type} max=${60} fallback="no type" /> ${message.key && html`<span
        class="faint">key <${Line} value=${message.key} max=${40} /></span>`}
      <span class="faint"><${Ago} at=${message.published_at} /></span></summary>
    ${open && (message.damaged ? html`<p class="faint">It is damaged: its bytes cannot be read.</p>` : html`<${Body}
      message=${message} />`)}
  </details></li>`;
}

function Peek({ calls, name }) {
  const [from, setFrom] = useState('');
  const { data, problem, again } = useLoad((signal) => call(calls.peek, { args: { name }, query: { count: PEEKED,
    from }, signal }), [name, from]);
  if (problem) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="messages" />`;
  if (data.items.length === 0) return html`<p class="faint">It holds no messages.</p>`;
  return html`<ol class="messages">${data.items.map((message) => html`<${Message} key=${message.offset}
    message=${message} />`)}</ol>
    <div class="actions row">${from !== '' && html`<button type="button" class="quiet" onClick=${() =>
      setFrom('')}>From the beginning</button>`}
      ${data.cursor && html`<button type="button" class="quiet" onClick=${() => setFrom(data.cursor)}>Further on
        </button>`}
      <button type="button" class="quiet" onClick=${again}>Look again</button></div>`;
}

function PauseDialog({ subject, kind, close, then }) {
  const paused = !subject.paused;
  const act = async () => {
    await call(CALLS[kind].patch, { args: { name: subject.name }, body: { paused } });
    notify({ kind: 'good', text: `${subject.name} is ${paused ? 'paused' : 'delivered from again'}.` });
    then();
  };
  return html`<${Dialog} title=${paused ? 'Pause' : 'Resume'} confirm=${`${paused ? 'Pause'
    : 'Resume'} ${subject.name.length > 40 ? 'it' : subject.name}`} act=${act} close=${close}>
    <p>${paused ? html`Deliver nothing more from <b class="name"><${Text} value=${subject.name} />
      </b>: ${some(subject.ready, 'ready message')} ${subject.ready === 1 ? 'stays' : 'stay'},
      what workers hold goes on, and publishing does too.` : html`Deliver from <b class="name"><${Text}
        value=${subject.name} /></b> again: ${some(subject.ready, 'message')} ${subject.ready === 1 ? 'is'
          : 'are'} ready.`}</p>
  </${Dialog}>`;
}

function Settings({ subject }) {
  return html`<dl class="facts">${SETTINGS.filter((name) => subject[name] !== undefined && subject[name] !== null
    && subject[name] !== '')
    .map((name) => html`<div key=${name}><dt>${capital(words(name))}</dt><dd>${name === 'topic' ? html`<a
      href=${`/topics/${segment(subject.topic)}`}><${Text} value=${subject.topic} /></a>`
      : name === 'runbook' ? html`<${Runbook} value=${subject.runbook} />`
      : html`<${Text} value=${String(subject[name])} max=${200} />`}</dd></div>`)}</dl>`;
}

export function SubjectPlace({ kind, name }) {
  const calls = CALLS[kind];
  const tick = useStore(tickOf);
  const row = useStore(rowsOf).get(name);
  const [pausing, setPausing] = useState(false);
  const [adding, setAdding] = useState(false);
  const [rules, setRules] = useState(0); // how often one was added here: they are read anew
  useOperations();
  const { data: subject, problem, look, again } = useLoad((signal) => call(calls.get, { args: { name }, signal }),
    [kind, name]);
  useEffect(() => { if (subject && tick % LOOK_EVERY === 0) look(); }, [tick]);
  const up = { to: '/', text: '← Overview' };
  const back = { ...up, text: 'Back to the overview' };
  const title = `${capital(kind)} ${name}`;
  if (problem && !subject) return html`<${Heading} title=${title} up=${up}><${Text} value=${name} /></${Heading}>
    <${ProblemNote} problem=${problem} again=${again} back=${back} />`;
  if (!subject) return html`<${Heading} title=${title} up=${up}><${Text} value=${name} /></${Heading}><${Loading}
    what=${`the ${kind}`} />`;
  const health = row && healthOf(row, brokerNow());
  const shown = row ? { ...subject, ...Object.fromEntries(LIVE.map((field) => [field, row[field]])) } : subject;
  return html`<${Heading} title=${title} up=${up}><span class="faint">${capital(kind)}</span> <${Text} value=${name} />
      ${health && html` <${Badge} tone=${health.tone} icon=${health.icon}>${health.word}</${Badge}>`}</${Heading}>
    <${Counts} subject=${shown} />
    <div class="split">
      <div class="split-main">
        <${Hour} name=${name} />
        ${can('listAudit') && html`<${Timeline} name=${name} />`}
        <section class="card"><h2>What is in the way</h2><${Why} calls=${calls} name=${name}
          word=${health?.word} /></section>
        <${HospitalBudget} subject=${shown} kind=${kind} />
        ${subject.breaker_status && html`<section class="card"><h2>Circuit breaker</h2><${Breaker}
          subject=${subject} /></section>`}
        ${can('listQuarantines') && html`<section class="card"><h2>Quarantine</h2><${Quarantine} name=${name}
          key=${rules} /></section>`}
        <section class="card"><h2>Consumers</h2><${Consumers} consumers=${subject.consumers} /></section>
        <section class="card"><h2>Messages</h2><${Peek} calls=${calls} name=${name} /></section>
        <${WhoDidWhat} target=${name} />
      </div>
      <aside class="split-side" aria-label="Settings">
        <section class="card"><h2>What to do</h2><div class="actions"><button type="button" onClick=${() =>
          setPausing(true)}>
          <${Icon} name=${subject.paused ? 'run' : 'pause'} />${subject.paused ? 'Resume…' : 'Pause…'}</button>
          ${can('addQuarantine') && html`<button type="button" onClick=${() => setAdding(true)}><${Icon} name="case"
            />Quarantine messages…</button>`}</div></section>
        <section class="card"><h2>Since ever</h2><dl class="facts">${TOTALS.map((field) => html`<div key=${field}><dt>
          ${capital(words(field).replace(/ total$/, ''))}</dt>
          <dd class="end">${count(subject[field])}</dd></div>`)}</dl></section>
        <section class="card"><h2>Settings</h2><${Settings} subject=${subject} /></section>
      </aside>
    </div>
    ${pausing && html`<${PauseDialog} subject=${subject} kind=${kind} close=${() => setPausing(false)}
      then=${again} />`}
    ${adding && html`<${AddQuarantineDialog} subscription=${name} close=${() => setAdding(false)}
      then=${() => setRules(rules + 1)} />`}`;
}

const TOPIC_CALLS = { peek: 'peekTopic' };
const TOPIC_SETTINGS = ['durability', 'retain_for', 'retention_age', 'retention_messages', 'retention_bytes',
  'deduplicate_for'];

export function TopicPlace({ name }) {
  const { data: topic, problem, again } = useLoad((signal) => call('getTopic', { args: { name }, signal }), [name]);
  const rows = [...useStore(rowsOf).values()].filter((row) => row.topic?.split(', ').includes(name));
  const up = { to: '/', text: '← Overview' };
  const back = { ...up, text: 'Back to the overview' };
  const title = `Topic ${name}`;
  const heading = html`<${Heading} title=${title} up=${up}><span class="faint">Topic</span> <${Text} value=${name} />
    </${Heading}>`;
  if (problem) return html`${heading}<${ProblemNote} problem=${problem} again=${again} back=${back} />`;
  if (!topic) return html`${heading}<${Loading} what="the topic" />`;
  return html`${heading}
    <dl class="numbers"><div><dt>Published</dt><dd>${short(topic.published_total)}</dd></div>
      <div><dt>Kept</dt><dd>${short(topic.next_offset - topic.first_offset)}</dd></div>
      <div><dt>Subscriptions</dt><dd>${count(topic.subscriptions)}</dd></div></dl>
    <section class="card"><h2>Subscriptions</h2>${rows.length === 0 ? html`<${Empty} title="Nobody has subscribed" />`
      : html`<ul class="consumers">${rows.map((row) => {
        const health = healthOf(row, brokerNow());
        return html`<li key=${row.name}><a href=${`/subscriptions/${segment(row.name)}`}><${Text} value=${row.name} />
          </a>
          <${Badge} tone=${health.tone} icon=${health.icon}>${health.word}</${Badge}> <span class="faint">
            ${short(row.ready)} ready, ${some(row.in_hospital, 'open case')}</span></li>`;
      })}</ul>`}</section>
    <section class="card"><h2>Settings</h2><dl class="facts">${TOPIC_SETTINGS.map((field) => html`<div key=${field}>
      <dt>${capital(words(field))}</dt>
      <dd><${Text} value=${String(topic[field])} /></dd></div>`)}</dl></section>
    <section class="card"><h2>Messages that it keeps</h2><${Peek} calls=${TOPIC_CALLS} name=${name} /></section>`;
}
