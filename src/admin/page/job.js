// A replay job as the API gives it: what the page asks of one, in one place.
import { words } from './format.js';

const STATES = {
  choosing: { tone: 'accent', icon: 'wait' },
  canary: { tone: 'warn', icon: 'wait' },
  running: { tone: 'accent', icon: 'run' },
  paused: { tone: 'warn', icon: 'pause' },
  finishing: { tone: 'accent', icon: 'wait' },
  done: { tone: 'good', icon: 'good' },
  cancelled: { tone: 'calm', icon: 'none' },
  stopped: { tone: 'bad', icon: 'warn' },
};
const OUTCOMES = [
  ['discharged', 'good'], ['relapsed', 'bad'], ['queued', 'accent'], ['recalled', 'calm'], ['refused', 'warn'], ['other', 'calm'],
];

export const stateOf = (job) => ({ tone: 'calm', icon: 'none', text: words(job.state), ...STATES[job.state] });
export const hasEnded = (job) => ['done', 'cancelled', 'stopped'].includes(job.state);
const countsOf = (job) => job.counts ?? job.outcomes ?? {};

/** [{ name, value, tone }], what is not sent yet last. */
export function partsOf(job) {
  const counts = countsOf(job);
  const parts = OUTCOMES.map(([name, tone]) => ({ name: name === 'queued' ? 'still queued' : name, outcome: name, value: counts[name] ?? 0, tone }));
  const waiting = Math.max(0, (job.total ?? 0) - parts.reduce((sum, part) => sum + part.value, 0));
  return [...parts, { name: 'not sent yet', value: waiting, tone: 'rest' }]
    .filter((part) => part.value > 0 || part.outcome === 'discharged' || part.outcome === 'relapsed');
}

/** What has been settled, of all. */
export function progressOf(job) {
  const counts = countsOf(job);
  return ['discharged', 'relapsed', 'recalled', 'refused', 'other'].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
