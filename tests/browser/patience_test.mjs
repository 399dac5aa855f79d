// A broker that is slow, busy for a moment, or that refuses: the page waits, asks again, and says so; it neither gives
// up what is under way nor locks a dialog. The answers are the broker's own, held back or replaced on their way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, launch, open } from './browser.mjs';

let browser;
let broker;

before(async () => {
  browser = await launch();
  broker = await Broker.start();
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

const row = (page, words) => page.locator('tbody tr:not(.gap)', { hasText: words });
const happened = (page) => page.getByRole('list', { name: 'What happened, the newest first' });
const rehearses = (request) => request.method() === 'POST' && Boolean(request.postDataJSON()?.dry_run);
const REPLAYS = '**/api/v1/hospital/replays';
const AUDIT = '**/api/v1/audit?**';

async function failing(name, number) {
  await broker.queue(name);
  const lines = Array.from({ length: number }, (_, i) => JSON.stringify({ type: 'order.created', body: `${i}` }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
  await broker.fail(name, number, 'no such table');
}

async function ask(method, path, body) {
  const answer = await fetch(`${broker.url}/api/v1/${path}`, { method, headers: { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

const busy = { status: 503, json: { code: 'RESOURCE_EXHAUSTED', title: 'Too much at a time', retry: 'after',
  retry_after_ms: 1000 } };
const refusal = { status: 400, json: { code: 'BAD_REQUEST', title: 'A job has 3 cases at most', retry: 'never' } };

/** Holds the reads of the audit trail back until `letGo` is called; `given` counts them. */
async function hold(page) {
  const state = { given: 0 };
  const held = new Promise((resolve) => { state.letGo = resolve; });
  await page.route(AUDIT, async (route) => {
    ++state.given;
    await held;
    await route.continue();
  });
  return state;
}

test('a timeline that takes longer to read than the time between two looks is shown all the same', async () => {
  await broker.queue('slow');
  await ask('PATCH', 'queues/slow', { max_attempts: 7 });
  const page = await open(browser, broker, '/');
  await row(page, 'slow').waitFor();
  const reads = await hold(page);
  await row(page, 'slow').getByRole('link', { name: 'slow' }).first().click();
  await page.getByText('Reading what happened').waitFor();
  let looks = 0; // of the place, at every third event: the timeline looks at every fifth
  page.on('request', (request) => { if (request.url().endsWith('/api/v1/queues/slow')) ++looks; });
  await until('twelve events have come', () => looks >= 4);
  assert.equal(await page.getByText('Nothing was changed').count(), 0, 'that is not known yet');
  const first = reads.given;
  reads.letGo();
  await happened(page).getByText('max_attempts: 1 → 7').waitFor();
  assert.ok(first <= 4, `nothing was asked for again while it was under way: ${first}`);
  await close(page);
});

test('a rule that was lifted long before its time is no mark when its time comes', async () => {
  await broker.queue('lifted');
  const page = await open(browser, broker, '/');
  await row(page, 'lifted').waitFor();
  const hours = (n) => new Date(Date.now() - n * 3600000).toISOString();
  const entry = (number, operation, at, target, change) => ({ number, phase: 'ended', began: number - 1, operation,
    status: 200, actor: 'ann', peer: 'ann', details: {}, before: {}, after: {}, called_at: at, ended_at: at, target,
    ...change });
  const added = (number, id, key) => entry(number, 'addQuarantine', hours(24), 'lifted', { after: { id,
    filter: `key=${key}`, until: hours(0.5) } });
  const asked = [];
  await page.route(AUDIT, async (route) => {
    const query = new URL(route.request().url()).searchParams;
    asked.push(query);
    const operation = query.get('operation');
    const items = operation === 'addQuarantine' && !query.has('since') ? [added(9, '0-1-2', 'kept'),
      added(7, '0-1-1', 'early')]
      : operation === 'liftQuarantine' && query.get('target') === '0-1-1' ? [entry(11, operation, hours(23), '0-1-1',
        { before: { id: '0-1-1', filter: 'key=early', subscription: 'lifted' } })] : [];
    await route.fulfill({ json: { items, cursor: null } });
  });
  await row(page, 'lifted').getByRole('link', { name: 'lifted' }).first().click();
  await happened(page).getByRole('listitem').filter({ hasText: 'quarantine rule ended' }).getByText('key is kept')
    .waitFor();
  assert.equal(await happened(page).getByText('early').count(), 0);
  const adds = () => asked.filter((query) => query.get('operation') === 'addQuarantine');
  await until('it has looked three times', () => adds().length >= 3);
  assert.deepEqual(adds().map((query) => query.has('since')).slice(0, 3), [false, true, true]);
  assert.equal(asked.filter((query) => query.get('target') === '0-1-1').length, 1, 'what is over stays over');
  assert.equal(await happened(page).getByText('key is kept').count(), 1, 'what was read once stays');
  await close(page);
});

test('older ones are read once, however often the button is pressed', async () => {
  await broker.queue('twice');
  for (let i = 0; i < 110; ++i) await ask('PATCH', 'queues/twice', { max_attempts: i + 2 });
  const page = await open(browser, broker, '/hospital/audit?target=twice');
  const calls = page.locator('ol.audit > li');
  await page.getByText('max_attempts: 110 → 111').waitFor();
  const reads = await hold(page);
  await page.getByRole('button', { name: 'Older ones' }).dblclick();
  await until('they are asked for', () => reads.given > 0);
  reads.letGo();
  await page.getByText('put queue').waitFor();
  assert.equal(reads.given, 1);
  assert.equal(await calls.count(), 111);
  assert.equal(await page.getByText('max_attempts: 5 → 6').count(), 1);
  await close(page);
});

test('alerts begin anew when more have come than a page has', async () => {
  const page = await open(browser, broker, '/hospital/quarantine');
  const alert = (id) => ({ id: String(id), kind: 'surge', at: new Date().toISOString(), sentence: `alert number ${id}.`,
    deliveries: [], subscription: null, group: null, case: null, replay: null, owner: null, runbook: null });
  let first = 3;
  await page.route('**/api/v1/alerts?**', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? first);
    return route.fulfill({ json: { items: [from, from - 1].filter((id) => id > 0).map(alert),
      cursor: from > 2 ? String(from - 2) : null } });
  });
  await page.getByRole('link', { name: 'Alerts' }).first().click();
  await page.getByText('alert number 3.').waitFor();
  first = 4;
  await page.getByText('alert number 4.').waitFor();
  await page.getByText('alert number 2.').waitFor(); // what was read stays
  first = 9;
  await page.getByText('alert number 9.').waitFor();
  assert.equal(await page.getByText('alert number 4.').count(), 0, 'as if nothing had come between them');
  for (const id of [7, 5, 3, 1]) {
    await page.getByRole('button', { name: 'Older ones' }).click();
    await page.getByText(`alert number ${id}.`).waitFor();
  }
  assert.equal(await page.getByText(/alert number \d\./).count(), 9, 'each once');
  await close(page);
});

test('a broker that is busy for a moment does not lock the button of a replay', async () => {
  await failing('locked', 3);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dlocked', { allowed: ['503'] });
  await row(page, 'order.created').first().waitFor();
  let refused = 0;
  await page.route(REPLAYS, (route) => (rehearses(route.request()) && refused++ === 0 ? route.fulfill(busy)
    : route.continue()));
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('alert').getByText('RESOURCE_EXHAUSTED').waitFor();
  await dialog.getByRole('button', { name: 'Try again' }).click();
  const confirm = dialog.getByRole('button', { name: 'Replay 3 cases' });
  await confirm.waitFor();

  let asked = 0;
  await page.unroute(REPLAYS);
  await page.route(REPLAYS, (route) => (rehearses(route.request()) && asked++ === 0 ? route.fulfill(busy)
    : route.continue()));
  await dialog.getByLabel(/^At most .*a second/).fill('40');
  await until('the choice was asked about again', () => asked > 1);
  assert.equal(await confirm.isEnabled(), true);
  await confirm.click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await close(page);
});

test('everything that matches can be replayed when too much else is open to count it', async () => {
  await failing('uncounted', 2);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Duncounted');
  await row(page, 'order.created').first().waitFor();
  await page.route(REPLAYS, (route) => (rehearses(route.request()) ? route.fulfill({ json: { total: 0, at_least: true,
    dry_run: true } }) : route.continue()));
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('How many match is not known yet').waitFor();
  // The same of the job's own cases: those that are asked for come with a later look.
  const looks = [];
  await page.route('**/api/v1/hospital/replays/*/cases?**', (route) => {
    const address = new URL(route.request().url());
    looks.push(address.searchParams.get('cursor'));
    if (!address.searchParams.has('cursor')) return route.fulfill({ json: { items: [], cursor: 'so far' } });
    address.searchParams.delete('cursor');
    return route.continue({ url: address.href });
  });
  await dialog.getByRole('button', { name: 'Replay all that match' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.getByText('0 of 2 cases settled').waitFor();
  await until('both are listed', async () => (await row(page, 'uncounted').count()) === 2);
  assert.deepEqual(looks.slice(0, 2), [null, 'so far']);
  await close(page);
});

test('what the broker refuses of chosen cases is said before anything is done', async () => {
  await failing('refused', 4);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Drefused', { allowed: ['400'] });
  await row(page, 'order.created').first().waitFor();
  await page.route(REPLAYS, (route) => (rehearses(route.request()) ? route.fulfill(refusal) : route.continue()));
  await page.getByLabel('Select all that are listed').check();
  await page.getByRole('button', { name: 'Replay 4' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('alert').getByText('A job has 3 cases at most').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Replay 4 cases' }).isDisabled(), true);
  await close(page);
});

test('the audit trail says of a dry run that it was one', async () => {
  // It is there only because it asks what bodies say.
  await ask('POST', 'hospital/replays', { filter: 'body~tea', dry_run: true });
  await ask('POST', 'hospital/replays', { filter: 'body~tea' });
  const page = await open(browser, broker, '/hospital/audit');
  const made = page.getByRole('listitem').filter({ hasText: 'create replay' });
  await made.filter({ hasText: 'dry run' }).waitFor();
  assert.equal(await made.filter({ hasText: 'dry run' }).count(), 1, 'the other one was none');
  assert.ok(await made.count() > 1);
  await close(page);
});
