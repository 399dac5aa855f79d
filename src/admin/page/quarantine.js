// Quarantine rules: what one says, where its cases are, and what is done with them.
import { Problem, call } from './api.js';
import { countCases } from './actions.js';
import { sentence, term, termsOf } from './filter.js';
import { to } from './router.js';

/** [["type matches", "label.#"], …]: which messages a rule is about. */
export function partsOf(filter) {
  return termsOf(filter).map((one) => {
    if (!one.field) return ['type matches', one.text];
    const [field, verb, value] = sentence(one);
    if (one.field === 'type') return [one.operator === '!=' ? 'type does not match' : 'type matches', value];
    return [`${field} ${verb}`, value];
  });
}

const caughtFilter = (rule) => term('quarantine', rule.id);
export const casesOf = (rule) => to('/hospital/cases', { filter: caughtFilter(rule) });

/** What a release of it takes, as the broker says it: nothing else has happened to them. */
const releasedFilter = (rule) => [rule.subscription && term('subscription', rule.subscription), caughtFilter(rule),
  term('reason', 'quarantined'), 'state=admitted'].filter(Boolean).join(' ');

/** How many of the cases that this rule has made are open, { count, more }. */
export const caughtBy = (rule, signal) => countCases(releasedFilter(rule), signal);

/** Ends a rule; it is no mistake if that has happened already. */
export async function lift(rule) {
  try {
    await call('liftQuarantine', { args: { id: rule.id } });
  } catch (problem) {
    if (problem.code !== 'NOT_FOUND') throw problem;
  }
}

/**
 * Ends a rule, if it has not ended, and makes a job that replays all that it has caught; `fields` as of createReplay.
 * Gives { lifted, job, released, at_least }; `job` is null when nothing of it was left. Fails also when it could only
 * end the rule.
 */
export async function release(rule, fields) {
  let answer;
  try {
    answer = await call('liftQuarantine', { args: { id: rule.id }, query: { release: true, ...fields } });
  } catch (problem) {
    if (problem.code !== 'NOT_FOUND') throw problem;
    return { lifted: false, job: null, released: 0, at_least: false };
  }
  const { problem } = answer;
  if (problem) throw new Problem({ ...problem, detail: `The rule is lifted. ${problem.detail}` });
  return answer;
}
