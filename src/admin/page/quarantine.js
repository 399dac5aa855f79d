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

export const caughtFilter = (rule) => term('quarantine', rule.id);
export const casesOf = (rule) => to('/hospital/cases', { filter: caughtFilter(rule) });

/** How many of the cases that this rule has made are open, { count, more }. */
export const caughtBy = (rule) => countCases(`${caughtFilter(rule)} state=admitted`);

/** Ends a rule; it is no mistake if that has happened already. */
export async function lift(rule) {
  try {
    await call('liftQuarantine', { args: { id: rule.id } });
  } catch (problem) {
    if (problem.code !== 'NOT_FOUND') throw problem;
  }
}

/** Ends a rule and replays all that it has caught; gives how many those are. Fails also when it could only end it. */
export async function release(rule) {
  const { released, problem } = await call('liftQuarantine', { args: { id: rule.id }, query: { release: true } });
  if (problem) throw new Problem({ ...problem, detail: `The rule is lifted. ${problem.detail}` });
  return released;
}
