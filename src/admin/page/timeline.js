// Reads what happened to one queue or subscription in the last hour from the audit trail and the replay jobs. All of it
// is the broker's, so a reload shows the same.
import { call } from './api.js';
import { valueOf } from './filter.js';
import { auditedMarks, endedIn, jobMarks, ruleEnds } from './marks.js';
import { firstCasesOf } from './replay_cases.js';

export const HOUR_MS = 3600000;
const PAGE = 200; // entries of the audit trail
const PAGES = 5; // of them at most, for each question
const JOBS = 100; // the newest are asked for
const OVERLAP_MS = 60000; // a call is listed under when it came, and has its end later than that

const concerned = new Map(); // "job name" -> whether it has cases of that, which never changes once it is chosen

async function concerns(job, name, signal) {
  const named = job.filter === null ? undefined : valueOf(job.filter, 'subscription') ?? valueOf(job.filter, 'queue');
  if (named !== undefined) return named === name;
  const key = `${job.id} ${job.created_at} ${name}`;
  if (!concerned.has(key)) {
    const { items, cursor } = await firstCasesOf(job.id, { subscription: name, limit: 1 }, signal);
    const has = items.length > 0;
    if (job.state === 'choosing' || (!has && cursor)) return has; // not known for good
    concerned.set(key, has);
  }
  return concerned.get(key);
}

async function readEntries(query, signal) {
  const entries = [];
  let cursor;
  for (let page = 0; page < PAGES; ++page) {
    const found = await call('listAudit', { query: { ...query, cursor, limit: PAGE }, signal });
    entries.push(...found.items);
    cursor = found.cursor;
    if (!cursor) break;
  }
  return entries;
}

async function readJobs(name, begin, signal) {
  const { items } = await call('listReplays', { query: { limit: JOBS }, signal });
  const recent = items.filter((job) => Date.parse(job.ended_at ?? job.created_at) >= begin);
  const mine = await Promise.all(recent.map((job) => concerns(job, name, signal)));
  return recent.filter((_, i) => mine[i]);
}

/** Those that made the rules of one, which may be weeks old and end now: read once, and then what has come since. */
function makeRuleReader(name) {
  const added = new Map(); // number -> entry
  let since;
  return async (now, signal) => {
    const found = await readEntries({ target: name, operation: 'addQuarantine', since }, signal);
    for (const entry of found) added.set(entry.number, entry);
    since = new Date(now - OVERLAP_MS).toISOString();
    return [...added.values()];
  };
}

/**
 * The lifts of rules whose time was over in the last hour: each is asked for by its id, since one may have been lifted
 * long before. A rule that is over for a while is not lifted any more, and not asked for again.
 */
function makeLiftReader() {
  const known = new Map(); // id -> entries
  return async (over, now, signal) => {
    const lifts = await Promise.all(over.map(async ({ after: { id, until } }) => {
      if (known.has(id)) return known.get(id);
      const entries = await readEntries({ target: id, operation: 'liftQuarantine' }, signal);
      if (Date.parse(until) + OVERLAP_MS < now) known.set(id, entries);
      return entries;
    }));
    return lifts.flat();
  };
}

/** Reads all marks of one but the sampled ones, again and again: read(now, signal), `now` of the broker in ms. */
export function makeMarkReader(name) {
  const readRules = makeRuleReader(name);
  const readLifts = makeLiftReader();
  return async (now, signal) => {
    const begin = now - HOUR_MS;
    const [calls, added, recent, jobs] = await Promise.all([
      readEntries({ target: name, since: '-1h' }, signal),
      readRules(now, signal),
      readEntries({ operation: 'liftQuarantine', since: '-1h' }, signal),
      readJobs(name, begin, signal),
    ]);
    const earlier = await readLifts(endedIn(added, begin, now), now, signal);
    const lifted = new Map([...recent, ...earlier].map((entry) => [entry.number, entry]));
    return [...auditedMarks(calls), ...ruleEnds(name, added, [...lifted.values()], begin, now),
      ...jobs.flatMap(jobMarks)];
  };
}
