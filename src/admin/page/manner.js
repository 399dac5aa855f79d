// How a replay job goes on: what an operator chooses of it, as the form has it, and as the API takes it. What is empty
// is left to the broker, which has the last word on all of it.
import { count, some } from './format.js';

export const FEW = 10; // of more, one goes first unless somebody says otherwise
const RATE = 50; // a second: an operator looks on; the broker would take 500
const CONCURRENCY = 10000; // what the broker takes when nothing is said

export const mannerFor = (n) => ({
  canary: n > FEW ? '1' : '0', canaryNeeded: '', rate: String(RATE), concurrency: '', stopAtFailureRatio: '',
  afterVersion: '', keepAttempts: false, to: '', force: false,
});

const number = (text) => (text.trim() === '' ? undefined : Number(text));

/** The fields of createReplay. What goes elsewhere has its outcome there: of the rest nothing can be said of it. */
export function fieldsOf(manner) {
  const to = manner.to.trim();
  const fields = {
    rate: number(manner.rate), concurrency: number(manner.concurrency), force: manner.force || undefined,
    ...(to ? { to } : {
      canary: number(manner.canary), canary_needed: number(manner.canaryNeeded),
      stop_at_failure_ratio: number(manner.stopAtFailureRatio),
      after_version: manner.afterVersion.trim() || undefined, keep_attempts: manner.keepAttempts || undefined,
    }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function order({ canary = 0, canary_needed: needed, rate = 500 }) {
  const pace = `at ${count(rate)} a second`;
  if (canary === 0) return `All ${pace}.`;
  if (canary === 1) return `First one alone; the others ${pace} once it is acknowledged.`;
  const cured = needed === undefined || needed >= canary ? 'they are'
    : `${count(needed)} of them ${needed === 1 ? 'is' : 'are'}`;
  return `First ${count(canary)} alone; the others ${pace} once ${cured} acknowledged.`;
}

/** What limits it beside its rate, in sentences: of what is asked for, and of a job as it is. */
export function limitsOf({ stop_at_failure_ratio: ratio, concurrency, keep_attempts: keeps, force }) {
  return [
    concurrency > 0 && concurrency !== CONCURRENCY && `At most ${some(concurrency, 'case')} out at a time.`,
    ratio > 0 && `It stops when ${Math.round(ratio * 100)}% of at least 20 outcomes are relapses.`,
    keeps && 'Failures so far go on counting.',
    force && 'Requests that were answered meanwhile go too.',
  ].filter(Boolean);
}

/** All that is asked for but the versions. */
export const sentencesOf = (fields) => [order(fields), ...limitsOf(fields)];
