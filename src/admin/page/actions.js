// What can be done with cases, as functions: they do it, and say how it went. The dialogs ask before.
import { call, can, takesQuery } from './api.js';
import { asParameters } from './filter.js';

const AT_A_TIME = 4;
const LOOKS = 10; // for the first case that counts

/** The parameters of listCases for a filter, or a problem when this broker cannot take it. */
export function caseQuery(filter) {
  if (!filter) return { query: {} };
  if (takesQuery('listCases', 'filter')) return { query: { filter } };
  const { query, refused } = asParameters(filter);
  if (query) return { query };
  return {
    query: null,
    problem: {
      code: 'BAD_REQUEST',
      message: `This broker knows only one each of subscription=, type=, key=, reason= and state=, not ${refused}`,
    },
  };
}

/**
 * Makes one call for each id, a few at a time; `progress(done)`. Gives how many went well, and the refusals by code:
 * Map code -> { problem, n }.
 */
export async function forEachCase(ids, one, progress) {
  const refused = new Map();
  let done = 0;
  let next = 0;
  const worker = async () => {
    while (next < ids.length) {
      const id = ids[next++];
      try {
        await one(id);
      } catch (problem) {
        const known = refused.get(problem.code) ?? { problem, n: 0 };
        ++known.n;
        refused.set(problem.code, known);
      }
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, ids.length) }, worker));
  const failed = [...refused.values()].reduce((sum, { n }) => sum + n, 0);
  return { good: done - failed, refused };
}

export const replayOne = (id, body = {}) => call('replayCase', { args: { id }, body });
export const discardOne = (id, reason) => call('discardCase', { args: { id }, body: reason ? { reason } : {} });
export const restoreOne = (id) => call('restoreCase', { args: { id } });

const meant = (filter) => (filter.trim() ? { filter } : { all: true });

/** How many cases discardCases or restoreCases would be about, { total, at_least }, and the cursor to go on from. */
export const rehearseMany = (operation, filter, signal) => call(operation, {
  body: { ...meant(filter), dry_run: true }, signal });

/**
 * Calls discardCases or restoreCases until none is left of those that were there when they were counted;
 * `progress(done)`, and `stopped()` before each further call. Gives what forEachCase gives, with `problem` when a call
 * failed, and `left` when it was stopped before all was done.
 */
export async function treatMany(operation, field, { filter, cursor, reason }, progress, stopped) {
  const refused = new Map();
  let good = 0;
  let all = 0;
  const refuse = (code, message, n) => {
    const known = refused.get(code) ?? { problem: { message }, n: 0 };
    known.n += n;
    refused.set(code, known);
  };
  for (let place = cursor; ;) {
    let answer;
    try {
      answer = await call(operation, { body: { ...meant(filter), ...(reason && { reason }), cursor: place } });
    } catch (problem) {
      return { good, refused, problem };
    }
    good += answer[field];
    all += answer[field] + answer.refused;
    for (const { because } of answer.refusals) refuse(because.code, because.detail, 1);
    const unnamed = answer.refused - answer.refusals.length;
    if (unnamed > 0) refuse('OTHERS', 'the broker does not name all that it refuses', unnamed);
    progress(all);
    if (!answer.more) return { good, refused };
    if (stopped()) return { good, refused, left: true };
    place = answer.cursor;
  }
}

/**
 * How many cases a filter takes, { count, more }: from the broker where it counts; null where it does not. It looks at
 * so many cases a call: with `more` there may be others, also when it has found none so far.
 */
export async function countCases(filter, signal) {
  if (!can('countCases')) return null;
  let found = 0;
  let cursor;
  for (let look = 0; look < LOOKS; ++look) {
    const page = await call('countCases', { query: { filter, cursor }, signal });
    found += page.count;
    cursor = page.cursor;
    if (cursor === null || found > 0) break;
  }
  return { count: found, more: cursor !== null };
}
