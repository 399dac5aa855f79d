// What the page says and keeps, where no browser is needed: how a replay goes on, in sentences; what happened to a
// queue, as marks; snoozes, lists and readings; JSON as it is edited.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const page = (name) => import(new URL(`../../src/admin/page/${name}`, import.meta.url));
const { callsOf, isDryRun } = await page('audit.js');
const { fieldsOf, mannerFor, sentencesOf } = await page('manner.js');
const { auditedMarks, endedIn, jobMarks, ruleEnds, sampledMarks } = await page('marks.js');
const { rateWords, snoozeFields, snoozeOf, wokenBy } = await page('group.js');
const { healthOf, percentKept } = await page('health.js');
const { withNewest, withOlder } = await page('newest.js');
const { makeReading } = await page('reading.js');
const { laidOut } = await page('json.js');
const { isWebAddress, ownerOf } = await page('owner.js');
const { NAME_LENGTH, cleanName, headerOf, keepName, nameOfUser } = await page('who.js');
const { jsonTree, textOf } = await page('json_tree.js');

const NOW = Date.parse('2026-11-26T03:00:00Z');
const at = (minutes) => new Date(NOW - minutes * 60000).toISOString();

test('what is left empty is left to the broker', () => {
  assert.deepEqual(fieldsOf(mannerFor(10)), { canary: 0, rate: 50 });
  assert.deepEqual(fieldsOf(mannerFor(11)), { canary: 1, rate: 50 });
  const all = { canary: '5', canaryNeeded: '4', rate: '', concurrency: '100', stopAtFailureRatio: '0.3',
    afterVersion: ' >=2.4.2 ', keepAttempts: true, to: ' ', force: true };
  assert.deepEqual(fieldsOf(all), { canary: 5, canary_needed: 4, concurrency: 100, stop_at_failure_ratio: 0.3,
    after_version: '>=2.4.2', keep_attempts: true, force: true });
  assert.deepEqual(fieldsOf({ ...all, rate: '7', to: ' repairs ' }), { rate: 7, concurrency: 100, to: 'repairs',
    force: true }, 'elsewhere nothing is awaited');
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
  assert.equal(said({ rate: 1, to: 'repairs' }), 'All at 1 a second.');
  assert.equal(said({ canary: 0, rate: 1, keep_attempts: true }), 'All at 1 a second. Failures so far go on counting.');
});

let number = 0;
function entry(operation, { before = {}, after = {}, status = 200, details = {}, minutes = 5 } = {}) {
  number += 2;
  return [{ number, phase: 'ended', began: number - 1, operation, status, details: {}, before, after, actor: 'ann',
    called_at: at(minutes), target: 'orders' },
  { number: number - 1, phase: 'began', began: null, operation, status: null, details, before: {}, after: {},
    actor: 'ann', called_at: at(minutes), target: 'orders' }];
}

test('a call says what was asked for, which stands in its beginning', () => {
  const [call, ...others] = callsOf(entry('putQueue', { details: { dry_run: 'true' } }));
  assert.equal(others.length, 0);
  assert.deepEqual([call.phase, call.status, isDryRun(call)], ['ended', 200, true]);
  const [, begun] = entry('putQueue', { details: { dry_run: 'true' } });
  assert.equal(isDryRun(callsOf([begun])[0]), true, 'its end is not known');
  assert.equal(isDryRun(callsOf(entry('putQueue'))[0]), false);
});

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
    [...lift('c', 'orders'), ...lift('x', 'bills'), ...lift('a', 'orders', 404)], NOW - 60 * 60000, NOW);
  assert.deepEqual(ends.map((mark) => [mark.text, mark.filter, (NOW - mark.at) / 60000]), [
    ['quarantine rule lifted', 'key=c', 20], ['quarantine rule ended', 'key=a', 10]]);
});

test('a rule that was lifted long before its time has not ended by itself', () => {
  const rule = (id, until, status = 200) => entry('addQuarantine', { after: { id, filter: 'key=k', until: at(until) },
    minutes: 24 * 60, status });
  const begin = NOW - 60 * 60000;
  const added = [...rule('early', 61), ...rule('within', 59), ...rule('late', -1), ...rule('refused', 59, 400)];
  assert.deepEqual(endedIn(added, begin, NOW).map((one) => one.after.id), ['within'], 'whose lifts have to be known');
  const lifted = entry('liftQuarantine', { before: { id: 'within', filter: 'key=k', subscription: 'orders' },
    minutes: 23 * 60 });
  const within = (marks) => marks.filter((mark) => mark.at >= begin).map((mark) => mark.text);
  assert.deepEqual(within(ruleEnds('orders', added, lifted, begin, NOW)), []);
  assert.deepEqual(within(ruleEnds('orders', added, [], begin, NOW)), ['quarantine rule ended']);
});

const listOf = (cursor, ...ids) => ({ items: ids.map((id) => ({ id })), cursor });
const idOf = (one) => one.id;

test('what is new comes first, and what has been read stays, unless there is something between them', () => {
  const read = listOf('to 1', 4, 3, 2);
  assert.deepEqual(withNewest(read, listOf('to 4', 6, 5, 4), idOf), listOf('to 1', 6, 5, 4, 3, 2));
  assert.deepEqual(withNewest(read, listOf('to 1', 4, 3, 2), idOf), read);
  // Between 7 and 4 there is what nobody has read: the cursor of the page leads there.
  assert.deepEqual(withNewest(read, listOf('to 7', 9, 8, 7), idOf), listOf('to 7', 9, 8, 7));
  assert.deepEqual(withNewest(read, listOf(null, 9), idOf), listOf('to 1', 9, 4, 3, 2), 'all that there is now');
});

test('an older page is listed once, and only in the list that asked for it', () => {
  const read = listOf('to 3', 5, 4);
  const page = listOf('to 1', 3, 2);
  const once = withOlder(read, page, 'to 3');
  assert.deepEqual(once, listOf('to 1', 5, 4, 3, 2));
  assert.equal(withOlder(once, page, 'to 3'), once, 'it came twice');
  const anew = listOf('to 8', 9, 8);
  assert.equal(withOlder(anew, page, 'to 3'), anew, 'the list has begun anew');
});

/** A reading whose answers the test gives. */
function asked() {
  const open = [];
  const states = [];
  const reading = makeReading((state) => states.push(state));
  const read = (signal) => new Promise((resolve, reject) => {
    open.push({ signal, resolve, reject });
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  return { open, states, reading, read };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test('a reading that takes longer than the time between two looks comes to its end', async () => {
  const { open, states, reading, read } = asked();
  reading.begin(read);
  for (let i = 0; i < 3; ++i) reading.look(read);
  assert.equal(open.length, 1, 'one at a time');
  assert.equal(open[0].signal.aborted, false);
  open[0].resolve('slow');
  await settled();
  assert.deepEqual(states.at(-1), { data: 'slow', problem: null });
  reading.look(read);
  assert.equal(open.length, 2, 'the next look reads');
  const problem = new Error('away');
  open[1].reject(problem);
  await settled();
  assert.deepEqual(states.at(-1), { data: 'slow', problem }, 'what was read stays');
});

test('what somebody has changed is read after the reading that is under way, once', async () => {
  const { open, states, reading, read } = asked();
  reading.begin(read);
  reading.again(read);
  reading.again(read);
  open[0].resolve('before');
  await settled();
  assert.equal(open.length, 2);
  open[1].resolve('after');
  await settled();
  assert.equal(open.length, 2);
  assert.deepEqual(states.at(-1), { data: 'after', problem: null });
});

test('when something else is to be read, the old reading is given up and says nothing', async () => {
  const { open, states, reading, read } = asked();
  reading.begin(read);
  reading.again(read);
  reading.begin(read);
  await settled();
  assert.equal(open[0].signal.aborted, true);
  assert.deepEqual(states.at(-1), { data: undefined, problem: null });
  open[1].resolve('new');
  await settled();
  assert.equal(open.length, 2, 'what was to follow the old one is given up too');
  assert.deepEqual(states.at(-1), { data: 'new', problem: null });
  reading.look(read);
  reading.end();
  const said = states.length;
  open[2].resolve('too late');
  await settled();
  assert.equal(states.length, said);
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

test('a hospital says how full it is, and 100 percent is full', () => {
  const row = { name: 'orders', kind: 'queue', ready: 3, held: 0, waiting: 0, suspects: 0, in_hospital: 2,
    consumer_count: 1, oldest_ready_at: null, paused: false, breaker: 'closed', hospital_level: 'below',
    hospital_bytes: 1200, hospital_max_bytes: 2048 };
  const of = (what) => healthOf({ ...row, ...what }, NOW);
  assert.equal(of({}).word, 'open cases');
  const fills = of({ hospital_level: 'filling', hospital_bytes: 1640 });
  assert.deepEqual([fills.word, fills.tone, fills.sentence], ['hospital fills', 'warn',
    'The hospital of orders fills: its cases keep 1.6 KiB of messages, of 2.0 KiB that they may.']);
  const full = of({ hospital_level: 'full', hospital_bytes: 3 << 30 >>> 0, hospital_max_bytes: 2 ** 31 });
  assert.deepEqual([full.word, full.tone, full.sentence], ['hospital full', 'bad',
    'The hospital of orders is full: its cases keep 3.0 GiB of messages, of 2.0 GiB that they may. Nothing is granted '
      + 'but replays.']);
  assert.ok(full.rank > of({ consumer_count: 0 }).rank, 'nobody consuming is not why');
  assert.equal(of({ consumer_count: 0, hospital_level: 'filling' }).word, 'nobody consuming');

  assert.equal(percentKept(row), 58);
  assert.equal(percentKept({ ...row, hospital_level: 'filling', hospital_bytes: 2047 }), 99);
  assert.equal(percentKept({ hospital_level: 'filling', hospital_bytes: 2 ** 60 - 1, hospital_max_bytes: 2 ** 60 }), 99,
    'as far as numbers reach');
  assert.equal(percentKept({ ...row, hospital_level: 'full', hospital_bytes: 4096 }), 200);
  assert.equal(percentKept({ ...row, hospital_max_bytes: 0 }), null, 'there is no budget');
});

const awake = { snoozed: false, snoozed_until: null, snoozed_until_version: null, snoozed_until_rate: null };

test('a snooze is sent when it was changed, and only what was changed of it', () => {
  const snoozed = { ...awake, snoozed: true, snoozed_until: at(-90), snoozed_until_version: '>=2.4.2' };
  const change = (group, what) => snoozeFields(group, { ...snoozeOf(group), ...what }, NOW);
  assert.deepEqual(change(awake, {}), {});
  assert.deepEqual(change(snoozed, {}), {}, 'a note is written, and the snooze stays as it is');
  assert.deepEqual(change(snoozed, { version: ' >=2.4.2 ' }), {});
  assert.deepEqual(change(awake, { rate: '100/h' }), { snoozed_until_rate: '100/h' });
  assert.deepEqual(change(awake, { span: '8', version: '=3' }), { snoozed_until: at(-8 * 60),
    snoozed_until_version: '=3' });
  assert.deepEqual(change(snoozed, { span: '' }), { snoozed_until: null }, 'the version stays');
  assert.deepEqual(change(snoozed, { span: '', version: ' ' }), { snoozed_until: null, snoozed_until_version: null,
    snoozed_until_rate: null }, 'it is woken');
  // Its version has not come, its time has: nothing is left of it.
  const over = { ...snoozed, snoozed: false, snoozed_until: at(1), woken_at: at(1), woken_by: 'time' };
  assert.deepEqual(snoozeOf(over), { span: '', version: '', rate: '' });
  assert.deepEqual(change(over, { rate: '5/m' }), { snoozed_until_rate: '5/m' });
});

test('the rate of a snooze is said in words', () => {
  assert.equal(rateWords('100/h'), '100 cases an hour');
  assert.equal(rateWords('1/m'), '1 case a minute');
  assert.equal(rateWords('often'), 'often');
  assert.equal(wokenBy('rate 20/m'), '20 cases a minute');
  assert.equal(wokenBy('version 2.4.2'), 'version 2.4.2');
});

test('a cause is whose it was taken on by, else whose the queue is', () => {
  assert.deepEqual(ownerOf({ owner: 'ann', queue_owner: 'team mail' }), { name: 'ann', inherited: false });
  assert.deepEqual(ownerOf({ owner: null, queue_owner: 'team mail' }), { name: 'team mail', inherited: true });
  assert.deepEqual(ownerOf({ owner: null, queue_owner: null }), { name: null, inherited: false });
});

test('only an address of the web may be a link', () => {
  for (const one of ['https://wiki.example/a b', 'HTTP://[::1]:8080', 'http://x']) assert.ok(isWebAddress(one), one);
  for (const one of [null, '', 'javascript:alert(1)//https://x', ' https://x', 'data:text/html,x', 'https://', '//x',
    'https:x', 'see https://x', 'http:// x', 'javascript:\nhttps://x', 'ftp://x', '/x']) {
    assert.equal(isWebAddress(one), false, one);
  }
});

test('a name is what a header can have, and its bytes are UTF-8', () => {
  assert.equal(cleanName('  Ann\u0000 \r\nMüller\u0085\t '), 'Ann Müller');
  assert.equal(cleanName('\n\u007f '), '');
  assert.equal(headerOf('Ann Müller'), 'Ann M\u00c3\u00bcller');
  const long = cleanName('\ud83d\ude00'.repeat(100));
  assert.equal(long, '\ud83d\ude00'.repeat(NAME_LENGTH), 'no half of a character');
  assert.equal(headerOf(long).length, 256);
  assert.ok(new Headers({ 'X-Lazaret-Actor': headerOf(cleanName('\ud800 ✚ \u202e')) }));
});

test('where nothing is kept for a page, a name stays as long as the page', () => {
  const storage = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get() { throw new Error('forbidden'); } });
  try {
    assert.equal(nameOfUser(), '');
    keepName(' ann ');
    assert.equal(nameOfUser(), 'ann');
    keepName('');
    assert.equal(nameOfUser(), '');
  } finally {
    if (storage) Object.defineProperty(globalThis, 'localStorage', storage);
    else delete globalThis.localStorage;
  }
});

test('JSON is laid out as it is read, and no token of it changes', () => {
  const plain = '{"a":[1,2.5,{},[]],"b":"x, {\\"y\\"}:\\\\","c":[ ],"d":{"e":null,"f":[true]},"g":""}';
  assert.equal(laidOut(plain), JSON.stringify(JSON.parse(plain), null, 2));
  assert.equal(laidOut(laidOut(plain)), laidOut(plain));
  assert.equal(laidOut('{"n":-0,"m":9007199254740993,"k":1.50,"k":1e2,"u":"\\u00eb"}'),
    '{\n  "n": -0,\n  "m": 9007199254740993,\n  "k": 1.50,\n  "k": 1e2,\n  "u": "\\u00eb"\n}');
  for (const one of ['17', '-0', 'null', '"{[,:"', '{}', ' [ ] ']) assert.equal(laidOut(one), one.replaceAll(' ', ''));
  const deep = '['.repeat(100000) + ']'.repeat(100000);
  assert.equal(laidOut(deep), deep);
  const long = `"${'x\\n'.repeat(1000000)}"`;
  assert.equal(laidOut(`[${long}]`), `[\n  ${long}\n]`);
});

/** A tree as lists: a token, [values], or { pairs: [[name, value]] }. */
const drawn = (value) => (typeof value === 'string' ? value : value.names
  ? { pairs: value.names.map((name, i) => [textOf(name), drawn(value.values[i])]) } : value.values.map(drawn));

test('JSON is looked at as it stands: numbers, the order of members, and both of two of one name', () => {
  assert.deepEqual(drawn(jsonTree('{"id":9007199254740993,"amount":1.10,"huge":1e400,"10":"b","2":[-0, {}, []],'
    + '"dup":1,"dup":{"__proto__":null}}')), { pairs: [['id', '9007199254740993'], ['amount', '1.10'],
    ['huge', '1e400'], ['10', '"b"'], ['2', ['-0', { pairs: [] }, []]], ['dup', '1'],
    ['dup', { pairs: [['__proto__', 'null']] }]] });
  for (const one of ['17', '"[{,:\\"}"', 'true']) assert.equal(jsonTree(` ${one}\n`), one);
  for (const one of ['', '{"a":1', '[1,]', '{a:1}', '01', 'NaN', '[1] [2]', '\ufeff[]', '"\n"']) {
    assert.equal(jsonTree(one), undefined, one);
  }
});

test('a large body, or one that is very deep, is read too', () => {
  const wide = jsonTree(`[${'{"n":1.0},'.repeat(100000)}null]`);
  assert.deepEqual([wide.values.length, wide.values[99999].values, wide.values[100000]], [100001, ['1.0'], 'null']);
  let depth = 0;
  for (let at = jsonTree('['.repeat(100000) + ']'.repeat(100000)); at; [at] = at.values) ++depth;
  assert.equal(depth, 100000);
});

test('escapes in a text of JSON are what they stand for, and half a character stays escaped', () => {
  assert.equal(textOf('"\\u00eb \\n \\" \\\\ \\/ \\ud83d\\ude00"'), 'ë \n " \\ / 😀');
  assert.equal(textOf('"a\\uD800 \\ude00b"'), 'a\\ud800 \\ude00b');
});
