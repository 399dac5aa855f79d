// Replay jobs: what was sent back, and what became of it.
import { html, useEffect } from '../view.js';
import { call, can, useOperations } from '../api.js';
import { Stack } from '../components/chart.js';
import { Heading } from '../components/heading.js';
import { Badge } from '../components/icons.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Line } from '../components/text.js';
import { Ago } from '../components/time.js';
import { short } from '../format.js';
import { partsOf, progressOf, stateOf } from '../job.js';
import { go, segment } from '../router.js';
import { useStore } from '../store.js';
import { NowherePlace } from './nowhere.js';

const LOOK_EVERY = 2;
const tickOf = (state) => state.tick;
const addressOf = (job) => `/hospital/replays/${segment(job.id)}`;

const COLUMNS = [
  { head: 'Job', class: 'main', cell: (job) => html`<span class="strong">Replay ${job.id}</span>
    <span class="sub faint"><${Line} value=${job.filter} fallback=${job.filter === null ? 'chosen one by one'
      : 'all open cases'} /></span>` },
  { head: 'State', class: 'state', cell: (job) => {
    const state = stateOf(job);
    return html`<${Badge} tone=${state.tone} icon=${state.icon}>${state.text}</${Badge}>`;
  } },
  { head: 'Settled', class: 'end time', cell: (job) => `${short(progressOf(job))} of ${short(job.total)}` },
  { head: 'Outcomes', class: 'stacked wide', cell: (job) => html`<${Stack} parts=${partsOf(job)}
    total=${job.total} />` },
  { head: 'Created', class: 'end time', cell: (job) => html`<${Ago} at=${job.created_at} />` },
];

export function ReplaysPlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Replays" /><${Loading} what="what this broker can do" />`;
  return can('listReplays') ? html`<${Replays} />` : html`<${NowherePlace} />`;
}

function Replays() {
  const tick = useStore(tickOf);
  const { data, problem, look, again } = useLoad((signal) => call('listReplays', { query: { limit: 200 }, signal }),
    []);
  useEffect(() => { if (tick % LOOK_EVERY === 0) look(); }, [tick]);
  return html`<${Heading} title="Replays" /><${HospitalTabs} />
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!data && !problem && html`<${Loading} what="replay jobs" />`}
    ${data?.items.length === 0 && html`<${Empty} title="No replay yet">A replay of many cases runs as a job, and stays
      here with its outcomes.
      Choose cases under <a href="/hospital/cases">Cases</a>.</${Empty}>`}
    ${data?.items.length > 0 && html`<${List} label="Replay jobs" rows=${data.items} columns=${COLUMNS} id=${(job) =>
      job.id}
      address=${addressOf} open=${(job) => go(addressOf(job))} rowHeight=${68} cardHeight=${190} />`}`;
}
