// What the page says, where no browser is needed: how a replay goes on, in sentences; what happened to a queue, as
// marks.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const page = (name) => import(new URL(`../../src/admin/page/${name}`, import.meta.url));
const { fieldsOf, mannerFor, sentencesOf } = await page('manner.js');
const { auditedMarks, jobMarks, ruleEnds, sampledMarks } = await page('marks.js');

const NOW = Date.parse('2026-11-26T03:00:00Z');
const at = (minutes) => new Date(NOW - minutes * 60000).toISOString();

test('what is left empty is left to the broker', () => {
  assert.deepEqual(fieldsOf(mannerFor(10)), { canary: 0, rate: 50 });
  assert.deepEqual(fieldsOf(mannerFor(11)), { canary: 1, rate: 50 });
  const all = { canary: '5', canaryNeeded: '4', rate: '', concurrency: '100', stopAtFailureRatio: '0.3',
    afterVersion: ' >=2.4.2 ', force: true };
  assert.deepEqual(fieldsOf(all), { canary: 5, canary_needed: 4, concurrency: 100, stop_at_failure_ratio: 0.3,
    after_version: '>=2.4.2', force: true });
});

test('a manner is said in sentences', () => {
  const said = (fields) => sentencesOf(fields).join(' ');
  assert.equal(said({ canary: 0, rate: 50 }), 'All at 50 a second.');
  assert.equal(said({ canary: 1, rate: 50 }), 'First one alone; the others at 50 a second once it is acknowledged.');
  assert.equal(said({ canary: 5, rate: 1000, canary_needed: 1 }),
    'First 5 alone; the others at 1,000 a second once 1 of them is acknowledged.');
  assert.equal(said({ canary: 5, canary_needed: 5 }),
    'First 5 alone; the others at 500 a second once they are acknowledged.');
  assert.equal(said({ canary: 0, rate: 1, concurrency: 1, stop_at_failure_ratio: 0.3, force: true }),
    'All at 1 a second. At most 1 case out at a time. It stops when 30% of at least 20 outcomes are relapses. Requests '
      + 'that were answered meanwhile go too.');
  assert.equal(said({ canary: 0, rate: 1, concurrency: 10000, stop_at_failure_ratio: 0 }), 'All at 1 a second.');
});

let number = 0;
function entry(operation, { before = {}, after = {}, status = 200, details = {}, minutes = 5 } = {}) {
  number += 2;
  return [{ number, phase: 'ended', operation, status, details, before, after, actor: 'ann', called_at: at(minutes),
    target: 'orders' },
  { number: number - 1, phase: 'began', operation, status: null, details, before: {}, after: {}, actor: 'ann',
    called_at: at(minutes), target: 'orders' }];
}

test('options are one mark, a pause is another, and what changed nothing is none', () => {
  const marks = auditedMarks([
    ...entry('patchQueue', { before: { paused: 'false', ttl: '0s' }, after: { paused: 'true', ttl: '1h' } }),
    ...entry('patchQueue', { before: { paused: 'true' }, after: { paused: 'false' } }),
    ...entry('putSubscription', { after: { created: 'true', max_attempts: '3' } }),
    ...entry('putQueue'),
    ...entry('putQueue', { before: { ttl: '0s' }, after: { ttl: '1h' }, details: { dry_run: 'true' } }),
    ...entry('patchQueue', { after: { ttl: '1h' }, status: 400 }),
    ...entry('peekQueue'),
    ...entry('purgeQueue', { after: { purged: '1' } }),
  ]);
  assert.deepEqual(marks.map((mark) => mark.text), ['paused', 'options changed', 'resumed', 'created',
    '1 message purged']);
  assert.deepEqual(marks[1].changes, [{ name: 'ttl', before: '0s', after: '1h' }]);
  assert.ok(marks.every((mark) => mark.actor === 'ann' && mark.at === NOW - 5 * 60000));
});

test('a rule ends when it is lifted, or when its time is over', () => {
  const rule = (id, until) => entry('addQuarantine', { after: { id, filter: `key=${id}`, ...until && { until } },
    minutes: 90 });
  const lift = (id, subscription, status = 200) => entry('liftQuarantine', { before: status === 200 ? { id,
    filter: `key=${id}`, subscription } : {}, status, minutes: 20 });
  const ends = ruleEnds('orders', [...rule('a', at(10)), ...rule('b', at(-10)), ...rule('c', at(-10)), ...rule('d')],
    [...lift('c', 'orders'), ...lift('x', 'bills'), ...lift('a', 'orders', 404)], NOW);
  assert.deepEqual(ends.map((mark) => [mark.text, mark.filter, (NOW - mark.at) / 60000]), [
    ['quarantine rule lifted', 'key=c', 20], ['quarantine rule ended', 'key=a', 10]]);
});

test('a replay has a beginning, and an end with its outcomes', () => {
  const job = { id: '3', state: 'running', created_at: at(30), ended_at: null, total: 12, ended_because: null,
    outcomes: { none: 12, queued: 0, discharged: 0, relapsed: 0, recalled: 0, refused: 0, other: 0 } };
  assert.deepEqual(jobMarks(job).map((mark) => mark.text), ['replay 3 of 12 cases begun']);
  const ended = { ...job, state: 'stopped', ended_at: at(2), ended_because: 'too many',
    outcomes: { ...job.outcomes, none: 8, discharged: 1, relapsed: 3 } };
  assert.deepEqual(jobMarks(ended).map((mark) => [mark.text, mark.tone, (NOW - mark.at) / 60000]), [
    ['replay 3 of 12 cases begun', 'accent', 30], ['replay 3 stopped: 1 discharged, 3 relapsed', 'bad', 2]]);
});

test('of what is sampled pauses are left to the audit trail, which says who', () => {
  const marks = sampledMarks({ marks: [{ at: at(3), what: 'joined', who: 'billing 2.4.1' }, { at: at(2),
    what: 'paused', who: null }, { at: at(1), what: 'breaker_open', who: null }] });
  assert.deepEqual(marks.map((mark) => [mark.text, mark.name]), [['first consumer of', 'billing 2.4.1'],
    ['circuit breaker opened', null]]);
  assert.deepEqual(sampledMarks(undefined), []);
});
