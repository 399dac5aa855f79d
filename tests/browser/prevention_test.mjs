// What keeps harm away, as the page shows it: quarantine rules and what they have caught, and a breaker that opens and
// closes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SIZES = [[320, 720], [1280, 800]];

let browser;
let broker;
let paths;

before(async () => {
  browser = await launch();
  broker = await Broker.start();
  ({ paths } = await broker.get('/openapi.json'));
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

const hasRules = () => Boolean(paths['/api/v1/hospital/quarantines']);
const row = (page, words) => page.locator('tbody tr:not(.gap)', { hasText: words });
const subject = (name) => broker.get(`/api/v1/queues/${name}`);
const rules = async () => (await broker.get('/api/v1/hospital/quarantines')).items;

async function publish(name, number, type) {
  const lines = Array.from({ length: number }, (_, i) => JSON.stringify({ type, key: `k-${i}`, body: `${type} ${i}` }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
}

/** At both sizes: nothing too wide, axe finds nothing, a screenshot is kept. */
async function look(page, name, part = page.locator('h1')) {
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await part.scrollIntoViewIfNeeded();
    await expectNoSidewaysScroll(page, `${name} at ${width}`);
    await expectAccessible(page, `${name} at ${width}`);
    await screenshot(page, `${name}-${width}`);
  }
}

test('messages are quarantined, looked at, and released when the rule is lifted', async (t) => {
  if (!hasRules()) return t.skip('this broker has no quarantine rules');
  await broker.queue('labels');
  const page = await open(browser, broker, '/hospital/quarantine');
  await page.getByText('Nothing is in quarantine').waitFor();
  await look(page, 'quarantine-empty');

  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog');
  const confirm = dialog.locator('.confirm');
  assert.equal(await confirm.isDisabled(), true, 'nothing is said yet');
  await dialog.getByLabel('Queue or subscription').fill('labels');
  assert.equal(await confirm.isDisabled(), true, 'not every message');
  await dialog.getByLabel(/^Type/).fill('label.large.#');
  await dialog.getByLabel(/^Why/).fill('they jam the printer');
  await dialog.getByLabel('How long').selectOption('for 8 hours');
  await dialog.getByText('whose type matches label.large.# to the hospital before anybody gets them').waitFor();
  await look(page, 'dialog-quarantine');
  await dialog.getByRole('button', { name: 'Quarantine messages of labels' }).click();
  await row(page, 'they jam the printer').waitFor();
  const [rule] = await rules();
  assert.equal(rule.filter, 'type="label.large.#"');
  assert.ok(Date.parse(rule.until) > Date.now() + 7 * 3600000);

  await publish('labels', 3, 'label.large.a3');
  await publish('labels', 1, 'label.small');
  const [message] = await broker.json(['consume', 'labels', '--count', '1', '--print']);
  assert.equal(message.body, 'label.small 0', 'what matches is not delivered');
  await row(page, 'label.large.#').getByRole('link', { name: '3', exact: true }).waitFor();
  await look(page, 'quarantine');

  await row(page, 'label.large.#').getByRole('link', { name: '3', exact: true }).click();
  await page.waitForURL(/\/hospital\/cases\?filter=quarantine%3D/);
  await until('its cases are listed', async () => (await row(page, 'label.large.a3').count()) === 3);
  await page.goBack();

  await row(page, 'label.large.#').getByRole('button', { name: 'Lift…' }).click();
  await dialog.getByText('3 open cases that it has caught stay in the hospital').waitFor();
  await dialog.getByRole('checkbox', { name: 'And replay 3 cases that it has caught' }).check();
  await dialog.getByText('Put 3 cases that the rule has caught back on labels; nobody else gets them.').waitFor();
  await look(page, 'dialog-lift');
  await dialog.getByRole('button', { name: 'Replay 3 cases' }).click();
  await page.getByText('The rule is lifted. 3 cases of it are on the way to labels.').waitFor();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await broker.acknowledge('labels', 3);
  await page.getByText('3 of 3 cases settled').waitFor();
  await until('all are discharged', async () => (await subject('labels')).in_hospital === 0);
  await page.goBack();
  await page.getByText('Nothing is in quarantine').waitFor();
  assert.deepEqual(await rules(), []);
  await close(page);
});

test('a rule is lifted without what it has caught, which can be replayed afterwards', async (t) => {
  if (!hasRules()) return t.skip('this broker has no quarantine rules');
  await broker.queue('parcels');
  await broker.cli(['hospital', 'quarantine', 'add', 'parcels', '--key', 'k-0']);
  await broker.cli(['hospital', 'quarantine', 'add', 'parcels', '--type', 'parcel.heavy']);
  const had = (await rules()).length;
  await publish('parcels', 2, 'parcel.heavy');
  await publish('parcels', 1, 'parcel.light');
  await publish('parcels', 1, 'end');
  await broker.cli(['consume', 'parcels', '--idle-exit', '500ms', '--exec', 'cat >/dev/null']);
  await until('three were caught', async () => (await broker.cases('?queue=parcels')).length >= 3);

  const page = await open(browser, broker, '/hospital/quarantine?subscription=parcels');
  await until('both rules are listed', async () => (await row(page, '').count()) === 2);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.locator('tbody tr[data-index="1"]:focus').waitFor();
  await page.keyboard.press('l');
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/caught stays? in the hospital/).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await rules()).length, had, 'Escape does nothing');
  await page.keyboard.press('l');
  await dialog.getByText(/caught stays? in the hospital/).waitFor();
  await dialog.getByRole('button', { name: 'Lift the rule' }).click();
  await page.getByText('What it has caught stays in the hospital.').waitFor();
  assert.equal((await rules()).length, had - 1);
  await row(page, 'over').getByRole('button', { name: 'Replay…' }).click();
  await dialog.getByRole('button', { name: /^Replay \d cases?$/ }).click();
  await page.getByText(/of it (is|are) on the way to parcels/).waitFor();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await close(page);
});

/** The calls that the page makes from now on: "DELETE /api/v1/…?…", but for those that only read. */
function changesBy(page) {
  const made = [];
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (request.method() !== 'GET' && !request.postData()?.includes('"dry_run"')) {
      made.push(`${request.method()} ${pathname}${search}`);
    }
  });
  return made;
}

test('what a rule has caught is released too when too many other cases are open to count it', async () => {
  await broker.queue('crowded');
  const { id } = (await broker.json(['hospital', 'quarantine', 'add', 'crowded', '--type', 'crowd.#']))[0];
  await publish('crowded', 12, 'crowd.of');
  await publish('crowded', 1, 'end');
  await broker.acknowledge('crowded', 1);
  await until('all were caught', async () => (await subject('crowded')).in_hospital === 12);
  const page = await open(browser, broker, '/hospital/quarantine?subscription=crowded');
  // As the broker answers when it has looked at as many as it looks at in a call, and none was of the rule.
  let counted = 0;
  await page.route('**/api/v1/hospital/cases/count?**', (route) => {
    const { searchParams } = new URL(route.request().url());
    assert.equal(searchParams.get('filter'), `subscription=crowded quarantine=${id} reason=quarantined state=admitted`);
    assert.equal(searchParams.get('cursor'), counted === 0 ? null : `after ${counted}`);
    return route.fulfill({ json: { count: 0, cursor: `after ${++counted}` } });
  });
  await row(page, 'crowd.#').getByRole('button', { name: 'Lift…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('What it has caught and is still open stays in the hospital').waitFor();
  assert.ok(counted > 1 && counted < 50, `it looks on, but not for ever: ${counted}`);
  await dialog.getByRole('checkbox', { name: 'And replay what it has caught' }).check();
  await dialog.getByText('First one alone; the others at 50 a second once it is acknowledged.').waitFor();
  await dialog.getByText('How many cases that are is not known yet').waitFor();
  await look(page, 'dialog-lift-crowded');
  await dialog.getByLabel(/^First/).fill('2');
  await dialog.getByLabel(/^At most .*a second/).fill('40');
  const changes = changesBy(page);
  await dialog.getByRole('button', { name: 'Replay what it has caught' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.getByText('The rule is lifted. 12 cases of it are on the way to crowded.').waitFor();
  assert.deepEqual(changes, [`DELETE /api/v1/hospital/quarantines/${id}?release=true&rate=40&canary=2`]);
  const job = await broker.get(`/api/v1${new URL(page.url()).pathname}`);
  assert.deepEqual([job.total, job.rate, job.canary], [12, 40, 2]);
  // Whoever asks again gets the same job, not another one.
  const again = await broker.json(['hospital', 'quarantine', 'lift', id, '--release', '--yes']);
  assert.equal(again[0].job, job.id);
  await close(page);
});

test('many that were caught are released by a job, one first', async (t) => {
  if (!hasRules() || !paths['/api/v1/hospital/replays']) return t.skip('this broker has no rules, or no replay jobs');
  await broker.queue('letters');
  const page = await open(browser, broker, '/queues/letters', { allowed: ['400'] });
  await page.getByRole('button', { name: 'Quarantine messages…' }).click();
  const dialog = page.getByRole('dialog');
  assert.equal(await dialog.getByLabel('Queue or subscription').inputValue(), 'letters');
  await dialog.getByLabel('Other terms').fill('header.region=');
  await dialog.getByLabel(/^Type/).fill('letter.#');
  await dialog.locator('.confirm').click();
  await dialog.getByRole('alert').getByText('INVALID_OPTION').waitFor(); // what is refused stays to be read
  await dialog.getByLabel('Other terms').fill('');
  await dialog.locator('.confirm').click();
  const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Quarantine' }) });
  await card.getByText('type matches letter.#').waitFor();
  await publish('letters', 12, 'letter.long');
  await publish('letters', 1, 'end');
  await broker.acknowledge('letters', 1);
  await card.getByText('12 caught').waitFor();
  await look(page, 'subject-quarantine', card);
  await card.getByRole('button', { name: 'Lift…' }).click();
  await dialog.getByRole('checkbox', { name: 'And replay 12 cases that it has caught' }).check();
  await dialog.getByText('First one alone; the others at 50 a second once it is acknowledged.').waitFor();
  await dialog.getByRole('button', { name: 'Replay 12 cases' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await broker.acknowledge('letters', 12);
  await page.getByText('12', { exact: true }).first().waitFor();
  await until('all are discharged', async () => (await subject('letters')).in_hospital === 0);
  await close(page);
});

test('a breaker opens when everything fails, and closes when the consumer is well again', async (t) => {
  await broker.cli(['queue', 'create', 'invoices', '--max-attempts', '5', '--backoff-initial', '10ms',
    '--breaker-samples', '5', '--breaker-pause', '1s']);
  if (!(await subject('invoices')).breaker_status) return t.skip('this broker has no breakers');
  const page = await open(browser, broker, '/queues/invoices');
  const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Circuit breaker' }) });
  await card.getByText('closed', { exact: true }).waitFor();
  await card.getByText('Nothing has failed lately.').waitFor();
  const overview = await open(browser, broker, '/');
  await row(overview, 'invoices').getByText('fine').waitFor();

  await publish('invoices', 40, 'invoice');
  const stop = broker.background(['consume', 'invoices', '--exec', 'echo no database >&2; exit 1']);
  try {
    await card.getByText('open', { exact: true }).waitFor();
    await card.getByText(/Nothing is delivered: 5 of 5 attempts had failed\. One message is tried/).waitFor();
    await row(overview, 'invoices').getByText('breaker open').waitFor();
    await overview.getByText('The breaker of invoices is open: too much failed.').waitFor();
    await look(page, 'breaker-open', card);
    await look(overview, 'overview-breaker');
    await until('it has tried in vain', async () => (await subject('invoices')).breaker_status.state === 'open'
      && Date.parse((await subject('invoices')).breaker_status.until) > Date.now() + 1500);
  } finally {
    await stop();
  }
  // Nobody is there to be tried with: that is what is wrong now.
  await row(overview, 'invoices').getByText('nobody consuming').waitFor();
  await card.getByText('half open', { exact: true }).waitFor();
  await broker.acknowledge('invoices', 40);
  await card.getByText('closed', { exact: true }).waitFor();
  await card.getByText('Opened 1 time since the broker started.', { exact: false }).waitFor();
  await row(overview, 'invoices').getByText('fine').waitFor();
  assert.equal((await subject('invoices')).in_hospital, 0, 'no attempt was used up while it was open');
  await look(page, 'breaker-closed', card);
  await close(page);
  await close(overview);
});
