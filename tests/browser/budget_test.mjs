// The byte budget of a hospital: a queue whose messages fail until it is full. The page says how full it is and what
// that means, in words and in numbers; nothing but replays goes out; and what an operator does on the page makes room,
// which every page that is open shows by itself.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SIZES = [[320, 720], [1280, 800]];
const BODY = 'x'.repeat(400);

let browser;
let broker;
let stopWorker = null;

before(async () => {
  browser = await launch();
  broker = await Broker.start();
});
afterEach(async () => {
  await stopWorker?.();
  stopWorker = null;
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

const subject = (name) => broker.get(`/api/v1/queues/${name}`);
const row = (page, words) => page.locator('tbody tr:not(.gap)', { hasText: words });
const strip = (page) => page.getByRole('region', { name: 'What is wrong' });
const card = (page) => page.locator('.card', { has: page.getByRole('heading', { name: 'Hospital', exact: true }) });
const why = (page) => page.locator('.card', { has: page.getByRole('heading', { name: 'What is in the way' }) });
/** A number at the head of a queue's page, by its name. */
const number = (page, name) => page.locator('.numbers > div', { hasText: name }).locator('dd');
const shows = (page, name, value) => until(`${name} is ${value}`, async () =>
  (await number(page, name).innerText()).trim() === String(value));
const badge = (page, word) => page.locator('h1 .badge', { hasText: word });

/** At both sizes, in dark and light: nothing too wide, axe finds nothing, a screenshot is kept. */
async function look(page, name, part = page.locator('h1')) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await part.scrollIntoViewIfNeeded();
      await expectNoSidewaysScroll(page, `${name} at ${width} ${colorScheme}`);
      await expectAccessible(page, `${name} at ${width} ${colorScheme}`);
      await screenshot(page, `${name}-${width}-${colorScheme}`);
    }
  }
}

/** On a narrow screen a row is a card of a certain height: nothing of this one is cut off. */
async function expectWholeCard(page, name) {
  await page.setViewportSize({ width: 320, height: 720 });
  await until(`the card of ${name} is whole`, () => row(page, name).evaluate((card) => {
    const { bottom } = card.getBoundingClientRect();
    return [...card.querySelectorAll('td *')].every((part) => part.getBoundingClientRect().bottom <= bottom);
  }));
}

/** All of the same size, so that five of them are the whole budget of `queueOfFive`. */
async function publish(name, count) {
  const lines = Array.from({ length: count }, () => JSON.stringify({ type: 'order.created', body: BODY }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
}

/** A queue with one case, and room for exactly five. */
async function queueOfFive(name) {
  await broker.queue(name);
  await publish(name, 1);
  await broker.fail(name, 1);
  const { hospital_bytes: one } = await subject(name);
  assert.ok(one > BODY.length, 'headers count too');
  await broker.cli(['queue', 'update', name, '--hospital-max-bytes', String(5 * one)]);
}

/** Takes one at a time for ever, and fails it, or acknowledges it. */
async function work(name, command) {
  await stopWorker?.();
  stopWorker = broker.background(['consume', name, '--prefetch', '1', '--exec', command]);
  await until('it consumes', async () => (await subject(name)).consumers.length === 1);
}
const failAll = (name) => work(name, 'echo "no such table: invoices" >&2; exit 1');
const acknowledgeAll = (name) => work(name, 'cat >/dev/null');

test('a hospital fills, and is full: the page says how full, why nothing goes out, and what makes room', async () => {
  await queueOfFive('billing');
  const overview = await open(browser, broker, '/');
  const page = await open(browser, broker, '/queues/billing');
  await card(page).getByText('has room', { exact: true }).waitFor();
  assert.match(await card(page).innerText(), /that they may: 20%\./);
  assert.equal(await row(overview, 'billing').getByText('% full').count(), 0, 'one of five is not worth a word');

  await publish('billing', 3);
  await broker.fail('billing', 3);
  await row(overview, 'billing').getByText('hospital fills').waitFor();
  await row(overview, 'billing').getByText('80% full').waitFor();
  await strip(overview).getByText(/^The hospital of billing fills: its cases keep .* of messages, of .* they may\.$/)
    .waitFor();
  await badge(page, 'hospital fills').waitFor();
  await card(page).getByText('fills', { exact: true }).waitFor();
  await card(page).getByText(/that they may: 80%\. When they keep as much as they may, nothing is granted/).waitFor();
  await look(overview, 'budget-overview-filling');
  await look(page, 'budget-queue-filling', card(page));

  await failAll('billing');
  await publish('billing', 4);
  await row(overview, 'billing').getByText('hospital full').waitFor();
  await row(overview, 'billing').getByText('100% full').waitFor();
  await strip(overview).getByText(/^The hospital of billing is full: .*\. Nothing is granted but replays\.$/).waitFor();
  await badge(page, 'hospital full').waitFor();
  await card(page).getByText('full', { exact: true }).waitFor();
  await card(page).getByText(/that they may: 100%\. Nothing is granted but replays\. What is published waits, and/)
    .waitFor();
  const { hospital_bytes: kept, hospital_max_bytes: most } = await subject('billing');
  assert.equal(kept, most);
  const because = `Its hospital is full: its cases keep ${kept} bytes of messages, and hospital_max_bytes is ${most}.`;
  await why(page).getByText(because).waitFor();
  assert.match(await broker.cli(['why', 'billing']), new RegExp(because.replaceAll('.', '\\.')), 'in the same words');
  await shows(page, 'Ready', 3);
  await shows(page, 'Leased', 0);
  await shows(page, 'Open cases', 5);
  await publish('billing', 1);
  await shows(page, 'Ready', 4);
  const now = await subject('billing');
  assert.equal(now.consumers.length, 1, 'somebody is there to be granted it');
  assert.deepEqual([now.leased, now.in_hospital, now.discarded_total, now.expired_total, now.dropped_total],
    [0, 5, 0, 0, 0], 'it waits, and nothing is dropped');
  const command = card(page).locator('code');
  assert.equal(await command.innerText(), `lazaret queue update billing --hospital-max-bytes ${2 * most}`);
  await look(overview, 'budget-overview-full');
  await expectWholeCard(overview, 'billing');
  await look(page, 'budget-queue-full', card(page));

  // What the page says is what the tool takes.
  await acknowledgeAll('billing');
  await broker.cli((await command.innerText()).split(' ').slice(1));
  await card(page).getByText('has room', { exact: true }).waitFor();
  await shows(page, 'Ready', 0);
  assert.equal(await card(page).locator('code').count(), 0, 'there is nothing to be done');
  await row(overview, 'billing').getByText('% full').waitFor({ state: 'detached' });
  await strip(overview).waitFor({ state: 'detached' });
  assert.equal((await subject('billing')).in_hospital, 5);
  await close(page);
  await close(overview);
});

test('a discarded case makes room when it goes, and the queue goes on by itself', async () => {
  await queueOfFive('parcels');
  await failAll('parcels');
  await publish('parcels', 6);
  const page = await open(browser, broker, '/queues/parcels');
  await badge(page, 'hospital full').waitFor();
  await shows(page, 'Ready', 2);
  await acknowledgeAll('parcels');

  const cases = await open(browser, broker, '/queues/parcels');
  await card(cases).getByRole('link', { name: 'Replay its open cases' }).click();
  await cases.waitForURL(/\/hospital\/cases\?filter=subscription%3Dparcels\+state%3Dadmitted/);
  await until('five are listed', async () => (await row(cases, '').count()) === 5);
  await row(cases, '').first().getByRole('checkbox').check();
  await cases.getByRole('button', { name: 'Discard 1' }).click();
  await cases.getByRole('dialog').getByRole('button', { name: 'Discard 1 case' }).click();
  await cases.getByText(/^Case .* is discarded\.$/).waitFor();

  await shows(page, 'Open cases', 4);
  await card(page).getByText(/that they may: 100%\./).waitFor();
  assert.match(await card(page).innerText(), /a discarded case can be restored for \S+, and keeps its message until/);
  await card(page).getByRole('link', { name: 'discarded case' }).click();
  await page.waitForURL(/\/hospital\/cases\?filter=subscription%3Dparcels\+state%3Ddiscarded/);
  await until('it is listed', async () => (await row(page, '').count()) === 1);
  await page.goBack();
  await shows(page, 'Ready', 2);

  await broker.cli(['queue', 'update', 'parcels', '--case-retention', '1s']);
  await shows(page, 'Ready', 0);
  await badge(page, 'hospital fills').waitFor();
  await card(page).getByText(/that they may: 80%\./).waitFor();
  assert.equal(await why(page).getByText('Its hospital is full').count(), 0);
  await close(cases);
  await close(page);
});

test('replays go out of a full hospital, and those that are acknowledged make room', async () => {
  await queueOfFive('letters');
  await failAll('letters');
  await publish('letters', 7);
  const overview = await open(browser, broker, '/');
  const page = await open(browser, broker, '/queues/letters');
  await badge(page, 'hospital full').waitFor();
  await row(overview, 'letters').getByText('hospital full').waitFor();
  await shows(page, 'Ready', 3);
  await acknowledgeAll('letters');

  const cases = await open(browser, broker, '/queues/letters');
  await card(cases).getByRole('link', { name: 'Replay its open cases' }).click();
  await until('five are listed', async () => (await row(cases, '').count()) === 5);
  await cases.getByRole('button', { name: 'Replay everything that matches…' }).click();
  await cases.getByRole('dialog').getByRole('button', { name: 'Replay 5 cases' }).click();
  await cases.waitForURL(/\/hospital\/replays\/\d+/);
  await cases.getByText('5 of 5 cases settled').waitFor();

  // Of neither page anything was asked meanwhile.
  await shows(page, 'Open cases', 0);
  await shows(page, 'Ready', 0);
  await badge(page, 'fine').waitFor();
  await card(page).waitFor({ state: 'detached' });
  await why(page).getByText('It holds nothing.').waitFor();
  await row(overview, 'letters').getByText('fine').waitFor();
  const { hospital_bytes: kept, hospital_level: level, acked_total: acked } = await subject('letters');
  assert.deepEqual([kept, level, acked], [0, 'below', 8], 'those that waited, and those that were replayed');
  await close(cases);
  await close(page);
  await close(overview);
});
