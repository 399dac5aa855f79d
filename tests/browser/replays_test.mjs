// Replay jobs, through the page: one that waits for the version that is mended, and ten thousand of one cause.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SIZES = [[320, 720], [1280, 800]];
const MANY = 10000;

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
const subject = (name) => broker.get(`/api/v1/queues/${name}`);
const job = (page) => broker.get(`/api/v1${new URL(page.url()).pathname}`);

async function publish(name, number, body) {
  const lines = Array.from({ length: number }, (_, i) => JSON.stringify({ type: 'order.created', body: body(i) }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
}

/** At both sizes, in both looks: nothing too wide, axe finds nothing, a screenshot is kept. */
async function look(page, name) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const where = `${name}-${width}-${colorScheme}`;
      await expectNoSidewaysScroll(page, where);
      await expectAccessible(page, where);
      await screenshot(page, where);
    }
  }
}

test('a job for a version waits until such a consumer is connected, and goes to no other', async () => {
  await broker.queue('webhooks');
  await publish('webhooks', 3, (i) => `{"webhook": ${i}}`);
  await broker.fail('webhooks', 3, 'no column "currency"');
  const stopOld = broker.background(['consume', 'webhooks', '--exec', 'cat >/dev/null']);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dwebhooks', { allowed: ['400'] });
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Put 3 cases back where each failed').waitFor();
  await dialog.getByText(/Connected to webhooks now: lazaret \d/).waitFor();
  const confirm = dialog.getByRole('button', { name: 'Replay 3 cases' });
  const range = dialog.getByLabel(/^Only to consumers of a version/);
  await range.fill('1.0.1');
  await dialog.getByRole('alert').getByText('a range of versions is written >=2.4.2').waitFor();
  assert.equal(await confirm.isDisabled(), true, 'the broker would refuse it');
  await look(page, 'dialog-replay-mistake');
  await range.fill('>=1.0.1');
  await dialog.getByText('It begins when a consumer of version >=1.0.1 is connected').waitFor();
  await dialog.getByRole('alert').waitFor({ state: 'detached' });
  await confirm.click();

  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.locator('h1').getByText('waiting for a version').waitFor();
  await page.getByText('It waits for a consumer of version >=1.0.1 on webhooks').waitFor();
  await page.locator('.waiting').getByText(/Connected to webhooks now: lazaret \d/).waitFor();
  assert.equal((await subject('webhooks')).in_hospital, 3, 'nothing has left the hospital');
  await look(page, 'replay-waiting');

  const stopNew = broker.worker('webhooks');
  try {
    await page.getByText('3 of 3 cases settled').waitFor();
    await page.getByRole('link', { name: '3 discharged' }).waitFor();
    await page.locator('h1').getByText('done', { exact: true }).waitFor();
    await page.locator('.waiting').waitFor({ state: 'detached' });
  } finally {
    await stopNew();
    await stopOld();
  }
  for (const { id } of await broker.cases('?queue=webhooks')) {
    const { attempts } = await broker.get(`/api/v1/hospital/cases/${id}`);
    assert.equal(attempts.at(-1).consumer.version, '1.0.1', 'the old one got none of them');
  }
  await close(page);
});

test('one case can wait for a version too, and what is said of many cannot be said of it', async () => {
  await broker.queue('single');
  await publish('single', 1, () => '{"webhook": 0}');
  await broker.fail('single', 1, 'x');
  const [one] = await broker.cases('?queue=single');
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  await page.getByRole('button', { name: 'Replay…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Connected to single now: nobody.').waitFor();
  await dialog.getByLabel('Go on counting its failures').check();
  await dialog.getByText('Failures so far go on counting.').waitFor();
  await dialog.getByLabel(/^Only to consumers of a version/).fill('=1.0.1');
  await dialog.getByText('It begins when a consumer of version =1.0.1 is connected').waitFor();
  assert.equal(await dialog.getByLabel('Go on counting its failures').count(), 0, 'that is of one that goes at once');
  await dialog.getByRole('button', { name: 'Replay 1 case' }).click();
  await page.getByText('It waits for a consumer of version =1.0.1 on single').waitFor();
  const stop = broker.worker('single');
  try {
    await page.getByText('1 of 1 case settled').waitFor();
  } finally {
    await stop();
  }
  await close(page);
});

test('every choice of a job is made in the dialog, and the job says so', async () => {
  await broker.queue('chosen');
  await publish('chosen', 4, () => 'x');
  await broker.fail('chosen', 4, 'x');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dchosen', { allowed: ['400'] });
  await row(page, 'order.created').first().waitFor();
  await page.getByLabel('Select all that are listed').check();
  await page.getByRole('button', { name: 'Replay 4' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Put 4 cases back on chosen; nobody else gets them.').waitFor();
  await dialog.getByText('More choices').click();
  await dialog.getByLabel(/^First/).fill('3');
  await dialog.getByLabel(/^At most .*a second/).fill('20');
  await dialog.getByLabel(/must be acknowledged/).fill('4');
  await dialog.getByRole('alert').getByText('canary_needed must not be more than canary').waitFor();
  await dialog.getByLabel(/must be acknowledged/).fill('2');
  await dialog.getByLabel(/out at a time/).fill('5');
  await dialog.getByLabel(/^Stop at a failure ratio/).fill('0.25');
  await dialog.getByLabel('Also requests that were answered meanwhile').check();
  await dialog.getByText('First 3 alone; the others at 20 a second once 2 of them are acknowledged. At most 5 cases '
    + 'out at a time. It stops when 25% of at least 20 outcomes are relapses. Requests that were answered meanwhile go '
    + 'too.').waitFor();
  await dialog.getByRole('alert').waitFor({ state: 'detached' });
  await look(page, 'dialog-replay-choices');
  await dialog.getByRole('button', { name: 'Replay 4 cases' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.getByText('3 cases first; the others wait until 2 of them are acknowledged.').waitFor();
  await page.getByText('It stops when 25% of at least 20 outcomes are relapses.').waitFor();
  const made = await job(page);
  assert.deepEqual({ rate: made.rate, concurrency: made.concurrency, canary: made.canary, needed: made.canary_needed,
    ratio: made.stop_at_failure_ratio, force: made.force, version: made.after_version },
    { rate: 20, concurrency: 5, canary: 3, needed: 2, ratio: 0.25, force: true, version: null });
  await until('three go first', async () => (await subject('chosen')).ready === 3);
  await page.getByRole('button', { name: 'Cancel the job' }).click();
  await dialog.getByText('and leave the 1 case that is not sent in the hospital').waitFor();
  await dialog.getByRole('button', { name: 'Cancel the job' }).click();
  await page.locator('h1').getByText('cancelled').waitFor();
  await close(page);
});

test('ten thousand cases of one cause are replayed with a canary', async () => {
  await broker.queue('ten');
  await publish('ten', MANY, (i) => `order ${i}`);
  const stop = broker.worker('ten'); // it takes JSON only
  try {
    await until('all are in the hospital', async () => (await subject('ten')).in_hospital === MANY, 180000);
  } finally {
    await stop();
  }
  const page = await open(browser, broker, '/hospital?filter=subscription%3Dten');
  await row(page, 'a webhook is a JSON object').waitFor();
  assert.equal(await row(page, '').count(), 1, 'one cause is one line');
  assert.equal(await row(page, '').locator('td[data-head="Open"]').innerText(), '10.0 k');
  await row(page, '').getByRole('button', { name: 'Replay…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Put 10,000 cases back where each failed').waitFor();
  await dialog.getByLabel(/^First/).fill('5');
  await dialog.getByLabel(/^At most .*a second/).fill('20000');
  await dialog.getByText('First 5 alone; the others at 20,000 a second once they are acknowledged.').waitFor();
  await dialog.getByRole('button', { name: 'Replay 10,000 cases' }).click();

  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.locator('h1').getByText('canary', { exact: true }).waitFor();
  await page.getByRole('link', { name: '5 still queued' }).waitFor();
  await page.getByRole('link', { name: '9,995 not sent' }).waitFor();
  assert.equal((await subject('ten')).ready, 5, 'five first');
  await broker.cli(['consume', 'ten', '--count', String(MANY), '--print']);
  await page.getByText('10,000 of 10,000 cases settled').waitFor();
  await page.getByText('The canary (5 cases) was cured: the others followed.').waitFor();
  await page.getByRole('link', { name: '10.0 k discharged' }).waitFor();
  await page.locator('h1').getByText('done', { exact: true }).waitFor();
  const { outcomes } = await job(page);
  assert.equal(outcomes.discharged, MANY);
  assert.equal((await subject('ten')).in_hospital, 0);
  await close(page);
});
