// Reads what happened to one queue or subscription in the last hour from the audit trail and the replay jobs. All of it
// is the broker's, so a reload shows the same.
import { call } from './api.js';
import { valueOf } from './filter.js';
import { auditedMarks, jobMarks, ruleEnds } from './marks.js';

export const HOUR_MS = 3600000;
const PAGE = 200; // entries of the audit trail
const PAGES = 5; // of them at most, for each question
const JOBS = 100; // the newest are asked for

const concerned = new Map(); // "job name" -> whether it has cases of that, which never changes once it is chosen

async function concerns(job, name, signal) {
  const named = job.filter === null ? undefined : valueOf(job.filter, 'subscription') ?? valueOf(job.filter, 'queue');
  if (named !== undefined) return named === name;
  const key = `${job.id} ${job.created_at} ${name}`;
  if (!concerned.has(key)) {
    const page = await call('listReplayCases', { args: { id: job.id }, query: { subscription: name, limit: 1 },
      signal });
    if (job.state === 'choosing') return page.items.length > 0;
    concerned.set(key, page.items.length > 0);
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

/** All marks but the sampled ones. `now`: of the broker, in ms. */
export async function readMarks(name, now, signal) {
  const [calls, added, lifted, jobs] = await Promise.all([
    readEntries({ target: name, since: '-1h' }, signal),
    readEntries({ target: name, operation: 'addQuarantine' }, signal), // one may be a week old, and end now
    readEntries({ operation: 'liftQuarantine', since: '-1h' }, signal),
    readJobs(name, now - HOUR_MS, signal),
  ]);
  return [...auditedMarks(calls), ...ruleEnds(name, added, lifted, now), ...jobs.flatMap(jobMarks)];
}
