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
  ['discharged', 'good'], ['relapsed', 'bad'], ['queued', 'accent'], ['recalled', 'calm'], ['refused', 'warn'],
    ['other', 'calm'],
];

export const stateOf = (job) => ({ tone: 'calm', icon: 'none', text: words(job.state), ...STATES[job.state],
  ...isWaiting(job) && { tone: 'warn', icon: 'pause', text: 'waiting for a version' } });
export const hasEnded = (job) => ['done', 'cancelled', 'stopped'].includes(job.state);

/** Nobody of its version is connected where its next case is to go. */
export const isWaiting = (job) => job.waiting_for_version && job.state !== 'paused' && !hasEnded(job);

const NAMES = { queued: 'still queued', none: 'not sent' };

export function outcomeOf(outcome) {
  return { name: NAMES[outcome] ?? outcome, tone: OUTCOMES.find(([name]) => name === outcome)?.[1] ?? 'calm' };
}

/** [{ name, value, tone }], what is not sent yet last. */
export function partsOf(job) {
  const parts = OUTCOMES.map(([name, tone]) => ({ name: outcomeOf(name).name, outcome: name,
    value: job.outcomes[name], tone }));
  return [...parts, { name: 'not sent', outcome: 'none', value: job.outcomes.none, tone: 'rest' }]
    .filter((part) => part.value > 0 || part.outcome === 'discharged' || part.outcome === 'relapsed');
}

/** What has been settled, of all. */
export function progressOf(job) {
  return ['discharged', 'relapsed', 'recalled', 'refused', 'other'].reduce((sum, name) => sum + job.outcomes[name], 0);
}
