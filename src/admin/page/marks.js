// Marks on the timeline of a queue or subscription: { at, tone, icon, text }, at in ms, and what else is known of each.
// Consumer versions, the breaker and the hospital's budget come as the broker's overview samples them each minute;
// options, pauses and rules from its audit trail, which says who and knows them to the second.
import { callsOf, changesOf, isDryRun } from './audit.js';
import { some, words } from './format.js';
import { hasEnded, outcomeOf, stateOf } from './job.js';

const SAMPLED = {
  joined: { tone: 'accent', icon: 'run', text: 'first consumer of' },
  left: { tone: 'calm', icon: 'none', text: 'last consumer left of' },
  breaker_open: { tone: 'bad', icon: 'warn', text: 'circuit breaker opened' },
  breaker_half_open: { tone: 'warn', icon: 'warn', text: 'circuit breaker tries again' },
  breaker_closed: { tone: 'good', icon: 'good', text: 'circuit breaker closed' },
  hospital_filling: { tone: 'warn', icon: 'warn', text: 'hospital fills' },
  hospital_full: { tone: 'bad', icon: 'warn', text: 'hospital full' },
  hospital_below: { tone: 'good', icon: 'good', text: 'hospital has room again' },
};

/** Of the overview. Pauses are in the audit trail too, with who made them. */
export const sampledMarks = (history) => (history?.marks ?? []).filter((mark) => SAMPLED[mark.what])
  .map((mark) => ({ at: Date.parse(mark.at), ...SAMPLED[mark.what], name: mark.who }));

// --- The audit trail -----------------------------------------------------------------------------------------------

const isDone = (entry) => entry.phase === 'ended' && entry.status < 400 && !isDryRun(entry);
const markOf = (entry, mark) => ({ at: Date.parse(entry.called_at), actor: entry.actor, ...mark });

/** A pause is an option, and a mark of its own. */
function ofOptions(entry) {
  if (entry.after.created) return [markOf(entry, { tone: 'accent', icon: 'good', text: 'created' })];
  const changes = changesOf(entry);
  const pause = changes.find((one) => one.name === 'paused');
  const rest = changes.filter((one) => one.name !== 'paused');
  return [
    pause && markOf(entry, pause.after === 'true' ? { tone: 'warn', icon: 'pause', text: 'paused' }
      : { tone: 'good', icon: 'run', text: 'resumed' }),
    rest.length > 0 && markOf(entry, { tone: 'accent', icon: 'options', text: 'options changed', changes: rest }),
  ].filter(Boolean);
}

const ofRule = (entry, fields, mark) => markOf(entry, { filter: fields.filter, ...mark });
const ofPurge = (entry) => [markOf(entry, { tone: 'warn', icon: 'close',
  text: `${some(Number(entry.after.purged), 'message')} purged` })];
const ofDelete = (entry) => [markOf(entry, { tone: 'bad', icon: 'close', text: 'deleted' })];

const CALLS = {
  putQueue: ofOptions, putSubscription: ofOptions, patchQueue: ofOptions, patchSubscription: ofOptions,
  purgeQueue: ofPurge, purgeSubscription: ofPurge, deleteQueue: ofDelete, deleteSubscription: ofDelete,
  seekSubscription: (entry) => [markOf(entry, { tone: 'accent', icon: 'back', text: 'moved to another offset' })],
  addQuarantine: (entry) => [ofRule(entry, entry.after, { tone: 'warn', icon: 'case', text: 'quarantine rule made' })],
};

export const auditedMarks = (entries) => callsOf(entries).filter(isDone)
  .flatMap((entry) => CALLS[entry.operation]?.(entry) ?? []);

/** Of those that made rules: whose time was over since `begin`, unless somebody has lifted them before that. */
export const endedIn = (added, begin, now) => added.filter((entry) => isDone(entry) && entry.after.until
  && Date.parse(entry.after.until) >= begin && Date.parse(entry.after.until) <= now);

/**
 * Ends of rules: those that somebody has lifted, and those whose time was over before that. `lifted` has to have all
 * that became of the rules of endedIn: one may have been lifted long before its time.
 */
export function ruleEnds(name, added, lifted, begin, now) {
  const mine = lifted.filter((entry) => isDone(entry) && entry.before.subscription === name);
  const gone = new Set(mine.map((entry) => entry.before.id));
  const over = endedIn(added, begin, now).filter((entry) => !gone.has(entry.after.id));
  return [
    ...mine.map((entry) => ofRule(entry, entry.before, { tone: 'calm', icon: 'back', text: 'quarantine rule lifted' })),
    ...over.map((entry) => ({ at: Date.parse(entry.after.until), tone: 'calm', icon: 'wait', filter: entry.after.filter,
      text: 'quarantine rule ended' })),
  ];
}

// --- Replay jobs ---------------------------------------------------------------------------------------------------

/** Its beginning, and its end if it has come to one. */
export function jobMarks(job) {
  const to = `/hospital/replays/${encodeURIComponent(job.id)}`;
  const begun = { at: Date.parse(job.created_at), tone: 'accent', icon: 'back', to,
    text: `replay ${job.id} of ${some(job.total, 'case')} begun` };
  if (!hasEnded(job)) return [begun];
  const { tone, icon } = stateOf(job);
  const outcomes = ['discharged', 'relapsed', 'recalled', 'refused', 'other'].filter((one) => job.outcomes[one] > 0)
    .map((one) => `${job.outcomes[one]} ${outcomeOf(one).name}`).join(', ');
  return [begun, { at: Date.parse(job.ended_at), tone, icon, to, because: job.ended_because,
    text: `replay ${job.id} ${words(job.state)}${outcomes && `: ${outcomes}`}` }];
}
