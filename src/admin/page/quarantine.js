// Quarantine rules: what one says, where its cases are, and what is done with them.
import { call } from './api.js';
import { caseQuery } from './actions.js';
import { sentence, term, termsOf } from './filter.js';
import { to } from './router.js';

const LOOKED_AT = 1000; // cases a page
const PAGES = 10; // of them; a rule that has caught more is released by the broker, page by page

/** [["type matches", "label.#"], …]: which messages a rule is about. */
export function partsOf(filter) {
  return termsOf(filter).map((one) => {
    if (!one.field) return ['type matches', one.text];
    const [field, verb, value] = sentence(one);
    if (one.field === 'type') return [one.operator === '!=' ? 'type does not match' : 'type matches', value];
    return [`${field} ${verb}`, value];
  });
}

const openFilter = (rule) => `${term('subscription', rule.subscription)} reason=quarantined`;
export const casesOf = (rule) => to('/hospital/cases', { filter: openFilter(rule) });

/** The open cases that this rule has made, { ids, more }: the broker's lists know only those of all its rules. */
export async function caughtBy(rule, signal) {
  const { query } = caseQuery(`${openFilter(rule)} state=admitted`);
  const ids = [];
  let cursor;
  for (let page = 0; page < PAGES; ++page) {
    const found = await call('listCases', { query: { ...query, cursor, limit: LOOKED_AT }, signal });
    for (const one of found.items) if (one.quarantine === rule.id) ids.push(one.id);
    cursor = found.cursor;
    if (!cursor) break;
  }
  return { ids, more: Boolean(cursor) };
}

/** Ends a rule; it is no mistake if that has happened already. */
export async function lift(rule) {
  try {
    await call('liftQuarantine', { args: { id: rule.id } });
  } catch (problem) {
    if (problem.code !== 'NOT_FOUND') throw problem;
  }
}

/** Ends a rule and replays all that it has caught, however many; gives how many those were. */
export async function release(rule, progress) {
  let released = 0;
  for (let first = true; ; first = false) {
    let answer;
    try {
      answer = await call('liftQuarantine', { args: { id: rule.id }, query: { release: true } });
    } catch (problem) {
      if (problem.code === 'NOT_FOUND' && !first) return released; // nothing was left
      throw problem;
    }
    released += answer.released;
    progress(released);
    if (!answer.more) return released;
  }
}
