// One replay job: how far it is, its canary's verdict, and its outcomes, each of which leads to its cases.
import { html, useEffect, useState } from '../view.js';
import { call, can, useOperations } from '../api.js';
import { Stack } from '../components/chart.js';
import { Connected } from '../components/connected.js';
import { Dialog } from '../components/dialog.js';
import { Heading } from '../components/heading.js';
import { Badge, Icon } from '../components/icons.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { count, some, words } from '../format.js';
import { hasEnded, isWaiting, outcomeOf, partsOf, progressOf, stateOf } from '../job.js';
import { limitsOf } from '../manner.js';
import { firstCasesOf } from '../replay_cases.js';
import { go, segment, to } from '../router.js';
import { notify, useStore } from '../store.js';

const tickOf = (state) => state.tick;
const queryOf = (state) => state.address.query;

const left = ({ outcomes: { none: n } }) => `the ${some(n, 'case')} that ${n === 1 ? 'is' : 'are'} not sent`;
const queued = ({ outcomes: { queued: n } }) => `what is queued (${count(n)}) goes on`;

const ACTS = {
  pause: { call: 'pauseReplay', text: 'Pause', done: 'paused', sentence: (job) =>
    `Send none of ${left(job)} of replay ${job.id} until it is resumed; ${queued(job)}.` },
  resume: { call: 'resumeReplay', text: 'Resume', done: 'going on', sentence: (job) =>
    `Go on sending ${left(job)} of replay ${job.id}.` },
  cancel: { call: 'cancelReplay', text: 'Cancel the job', grave: true, done: 'cancelled', sentence: (job) =>
    `End replay ${job.id} and leave ${left(job)} in the hospital; ${queued(job)}.` },
  recall: { call: 'recallReplay', text: 'Recall', grave: true, done: 'being recalled', sentence: (job) =>
    `End replay ${job.id} and take back what nobody has begun of the ${some(job.outcomes.queued, 'case')} that `
      + 'are queued: these are open again.' },
};

const offered = (job) => [
  !hasEnded(job) && job.state !== 'paused' && 'pause', job.state === 'paused' && 'resume', !hasEnded(job) && 'cancel',
  job.outcomes.queued > 0 && !job.recalling && 'recall',
].filter((name) => name && can(ACTS[name].call));

function canaryText(job) {
  const n = job.canary;
  if (!n) return null;
  if (job.canary_passed) return `The canary (${some(n, 'case')}) was cured: the others followed.`;
  if (job.state === 'stopped') return `The canary (${some(n, 'case')}) was not cured: nothing else was sent.`;
  const needed = job.canary_needed < n ? `${count(job.canary_needed)} of them ${job.canary_needed === 1
    ? 'is' : 'are'}` : n === 1 ? 'it is' : 'they are';
  return `${some(n, 'case')} first; the others wait until ${needed} acknowledged.`;
}

/** What a job waits for that is for a version, and who is connected where its next case is to go. */
function Waiting({ job }) {
  const { data } = useLoad((signal) => firstCasesOf(job.id, { outcome: 'none', limit: 1 }, signal), [job.id,
    job.outcomes.none]);
  const name = data?.items[0]?.case?.subscription;
  return html`<div class="strip waiting" role="status"><p class="warn"><${Icon} name="pause" /><span>It waits for a
      consumer of version <b class="name"><${Text} value=${job.after_version} max=${80} /></b>${name && html` on <b
      class="name"><${Text} value=${name} max=${80} /></b>`}: until one is connected nothing more is
      sent.</span></p>${name && html`<${Connected} names=${[name]} />`}</div>`;
}

function Act({ job, name, close, then }) {
  const it = ACTS[name];
  const act = async () => {
    await call(it.call, { args: { id: job.id } });
    notify({ kind: 'good', text: `Replay ${job.id} is ${it.done}.` });
    then();
  };
  return html`<${Dialog} title=${it.text} confirm=${it.text} grave=${it.grave} act=${act} close=${close}><p>
    ${it.sentence(job)}</p></${Dialog}>`;
}

const COLUMNS = [
  { head: 'Case', class: 'main', cell: (one) => html`<span class="mono strong">${one.id}</span>
    <span class="sub faint"><${Line} value=${one.case?.error_message} fallback="" /></span>` },
  { head: 'Outcome', class: 'state', cell: (one) => {
    const { name, tone } = outcomeOf(one.outcome);
    return html`<${Badge} tone=${tone}>${name}</${Badge}>`;
  } },
  { head: 'Subscription', class: 'medium', cell: (one) => html`<${Line} value=${one.case?.subscription} max=${60} />` },
  { head: 'Type', class: 'medium wide', cell: (one) => html`<${Line} value=${one.case?.type} max=${60} />` },
  { head: 'Refused because', class: 'medium wide', cell: (one) => html`<${Line} value=${one.because?.code}
    fallback="" />` },
];
const caseAddress = (one) => `/hospital/cases/${segment(one.id)}`;

function CasesOfJob({ job, outcome }) {
  const tick = useStore(tickOf);
  const { data, problem, look, again } = useLoad((signal) => firstCasesOf(job.id, { outcome, limit: 200 }, signal),
    [job.id, outcome]);
  useEffect(() => { if (tick % 3 === 0 && !hasEnded(job)) look(); }, [tick]);
  if (problem) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!data) return html`<${Loading} what="its cases" />`;
  if (data.items.length === 0 && data.cursor) return html`<${Empty} title="None was found so far">The job has too many
    others to look through here. All of them: <code>lazaret hospital replays show ${job.id}</code>.</${Empty}>`;
  if (data.items.length === 0) return html`<${Empty} title=${outcome ? `None is ${words(outcome)}`
    : 'It has no cases'} />`;
  return html`<${List} label="Cases of the job" rows=${data.items} columns=${COLUMNS} id=${(one) => one.id}
    address=${caseAddress}
    open=${(one) => go(caseAddress(one))} rowHeight=${56} cardHeight=${132} />${data.cursor && html`<p
      class="faint small">The first ${count(data.items.length)}.</p>`}`;
}

export function ReplayPlace({ id }) {
  const operations = useOperations();
  const tick = useStore(tickOf);
  const outcome = useStore(queryOf).get('outcome') ?? '';
  const [dialog, setDialog] = useState(null);
  const { data: job, problem, look, again } = useLoad((signal) => call('getReplay', { args: { id }, signal }), [id]);
  useEffect(() => { if (job && (!hasEnded(job) || tick % 5 === 0)) look(); }, [tick]);
  const up = { to: '/hospital/replays', text: '← Replays' };
  const back = { ...up, text: 'Back to the replays' };
  if (problem && !job) return html`<${Heading} title=${`Replay ${id}`} up=${up} /><${ProblemNote} problem=${problem}
    again=${again} back=${back} />`;
  if (!job || !operations) return html`<${Heading} title=${`Replay ${id}`} up=${up} /><${Loading}
    what=${`replay ${id}`} />`;
  const state = stateOf(job);
  const here = `/hospital/replays/${segment(id)}`;
  const parts = partsOf(job).map((part) => (part.outcome && can('listReplayCases') ? { ...part, address: to(here,
    { outcome: part.outcome }) } : part));
  return html`<${Heading} title=${`Replay ${job.id}`} up=${up}>Replay <span class="mono">${job.id}</span>
      <${Badge} tone=${state.tone} icon=${state.icon}>${state.text}</${Badge}></${Heading}>
    <section class="card">
      <p class="lead"><b>${count(progressOf(job))}</b> of ${some(job.total, 'case')} settled</p>
      <${Stack} parts=${parts} total=${job.total} />
      ${job.ended_because && html`<p class="bad"><${Text} value=${job.ended_because} max=${400} /></p>`}
      ${isWaiting(job) && can('listReplayCases') && html`<${Waiting} job=${job} />`}
      ${canaryText(job) && html`<p class="faint">${canaryText(job)}</p>`}
      ${job.newer?.count > 0 && html`<p class="faint">${job.newer.at_least ? 'At least ' : ''}${some(job.newer.count,
        'newer case matches', 'newer cases match')} too,
        and ${job.newer.count === 1 ? 'is' : 'are'} not part of this job.</p>`}
      <p class="faint small">Created <${Ago} at=${job.created_at} />${job.created_by && html` by <b
        class="name"><${Text} value=${job.created_by} max=${80} /></b>`}: chosen ${job.filter === null ? 'one by one'
        : job.filter === '' ? 'as all open cases' : html`by <code><${Text} value=${job.filter} /></code>`}
, at most ${count(job.rate)} a second${job.ended_at && html`; ended <${Ago}
          at=${job.ended_at} />`}. ${limitsOf(job).join(' ')}
        ${job.to && html` They go to <b class="name"><${Text} value=${job.to} max=${80} /></b>.`}
        ${job.after_version && html` Only consumers of version <b class="name"><${Text} value=${job.after_version}
          max=${80} /></b> get them.`}</p>
      <div class="actions row">${offered(job).map((name) => html`<button type="button" key=${name}
        class=${ACTS[name].grave ? 'grave' : ''}
        onClick=${() => setDialog(name)}>${ACTS[name].text}</button>`)}</div>
    </section>
    ${can('listReplayCases') && html`<section><h2>${outcome ? html`Cases: ${words(outcome)} <a class="small"
      href=${here}>show all</a>` : 'Cases'}</h2>
      <${CasesOfJob} job=${job} outcome=${outcome} /></section>`}
    ${dialog && html`<${Act} job=${job} name=${dialog} close=${() => setDialog(null)} then=${again} />`}`;
}
