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
 * Map code -> { problem, ids }.
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
        const known = refused.get(problem.code) ?? { problem, ids: [] };
        known.ids.push(id);
        refused.set(problem.code, known);
      }
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, ids.length) }, worker));
  const failed = [...refused.values()].reduce((sum, { ids: list }) => sum + list.length, 0);
  return { good: done - failed, refused };
}

export const replayOne = (id, body = {}) => call('replayCase', { args: { id }, body });
export const discardOne = (id, reason) => call('discardCase', { args: { id }, body: reason ? { reason } : {} });
export const restoreOne = (id) => call('restoreCase', { args: { id } });

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
