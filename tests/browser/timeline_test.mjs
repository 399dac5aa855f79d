// The timeline of a queue: what was changed on it in the last hour stands on one axis and in a list, says who it was,
// and is the same after a reload and a restart. What people have written is shown as text there too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SIZES = [[320, 720], [1280, 800], [3840, 2160]];
const HOSTILE = '<img/src=x/onerror="document.title=1">\u202e';

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

/** As ann does it; what was answered. */
async function ask(method, path, body) {
  const answer = await fetch(`${broker.url}/api/v1/${path}`, { method,
    headers: { 'Content-Type': 'application/json', 'X-Lazaret-Actor': 'ann' }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

const happened = (page) => page.getByRole('list', { name: 'What happened, the newest first' });
const mark = (page, words) => happened(page).getByRole('listitem').filter({ hasText: words });

async function failing(name, number) {
  const lines = Array.from({ length: number }, (_, i) => JSON.stringify({ type: 'order.created', body: `${i}` }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
  await broker.fail(name, number, 'no such table');
}

test('options, pauses, rules and replays are marks with who made them, and outlive a restart', async () => {
  await broker.queue('billing');
  await broker.queue('elsewhere');
  await failing('billing', 2);
  await failing('elsewhere', 1);
  await ask('PATCH', 'queues/billing', { max_attempts: 7 });
  await ask('PATCH', 'queues/billing', { paused: true });
  await ask('PATCH', 'queues/billing', { paused: false });
  await ask('PATCH', 'queues/elsewhere', { max_attempts: 9 });
  const rule = await ask('POST', 'hospital/quarantines', { subscription: 'billing', type: 'label.#' });
  await ask('DELETE', `hospital/quarantines/${rule.id}`);
  await ask('POST', 'hospital/quarantines', { subscription: 'billing', key: 'k-1', until: '1s' });
  const [other] = await broker.cases('?queue=elsewhere');
  const far = await ask('POST', 'hospital/replays', { ids: [other.id] });

  // Every replay of the page is a job; by ids it does not say whose cases it has.
  const page = await open(browser, broker, '/queues/billing', { allowed: ['ERR_', 'Failed to load'] });
  await mark(page, 'options changed').getByText('max_attempts: 1 → 7').waitFor();
  const ids = (await broker.cases('?queue=billing')).map((one) => one.id);
  const near = await ask('POST', 'hospital/replays', { ids, canary: 0 });
  await mark(page, `replay ${near.id} of 2 cases begun`).waitFor(); // without a reload
  await broker.acknowledge('billing', 2);
  await mark(page, `replay ${near.id} done: 2 discharged`).waitFor();
  await mark(page, 'quarantine rule ended').getByText('key is k-1').waitFor();

  const shows = async (where) => {
    for (const words of ['created', 'options changed', 'paused', 'resumed', 'quarantine rule lifted']) {
      await mark(page, words).first().waitFor();
      assert.equal(await mark(page, words).count(), 1, `${words} ${where}`);
    }
    assert.match(await mark(page, 'paused').innerText(), /by ann/, where);
    assert.match(await mark(page, 'quarantine rule lifted').innerText(), /by ann\s+type matches label\.#/, where);
    assert.equal(await mark(page, 'quarantine rule made').count(), 2, where);
    assert.equal(await mark(page, `replay ${far.id} of`).count(), 0, `a job of another queue ${where}`);
    assert.equal(await mark(page, 'max_attempts: 1 → 9').count(), 0, `another queue ${where}`);
    const numbers = await happened(page).locator('.number').allInnerTexts();
    assert.deepEqual(numbers, numbers.map((_, i) => String(numbers.length - i)), `the newest first ${where}`);
    const pins = await page.locator('.pin b').allInnerTexts();
    assert.equal(pins.at(-1).split('–').at(-1), String(numbers.length), `each stands on the axis ${where}`);
  };
  await shows('at first');
  await page.reload();
  await shows('after a reload');
  await broker.kill();
  await broker.again();
  await page.reload();
  await shows('after a restart');

  await mark(page, `replay ${near.id} done`).getByRole('link').click();
  await page.waitForURL(`**/hospital/replays/${near.id}`);
  await close(page);
});

test('what people have written is text there, at every size, in dark and light', async () => {
  await broker.queue('hostile');
  await ask('PATCH', 'queues/hostile', { owner: HOSTILE });
  await ask('POST', 'hospital/quarantines', { subscription: 'hostile', key: HOSTILE });
  for (const dark of [false, true]) {
    for (const [width, height] of SIZES) {
      const page = await open(browser, broker, '/queues/hostile', { width, height, dark });
      await mark(page, 'options changed').getByText(HOSTILE.slice(0, -1)).waitFor();
      await mark(page, 'quarantine rule made').getByText('RLO').waitFor();
      const where = `timeline-${width}-${dark ? 'dark' : 'light'}`;
      assert.match(await page.title(), /Lazaret$/, where);
      assert.equal(await page.locator('#page img').count(), 0, where);
      assert.doesNotMatch(await page.locator('body').innerText(), /[\u202a-\u202e]/, where);
      await happened(page).scrollIntoViewIfNeeded();
      await expectNoSidewaysScroll(page, where);
      await expectAccessible(page, where);
      await screenshot(page, where);
      await close(page);
    }
  }
});

test('many marks stand together on the axis, and the list shows the newest', async () => {
  await broker.queue('busy');
  for (let i = 0; i < 30; ++i) await ask('PATCH', 'queues/busy', { max_attempts: i + 2 });
  const page = await open(browser, broker, '/queues/busy');
  await mark(page, 'max_attempts: 30 → 31').waitFor();
  await until('they are one pin', async () => (await page.locator('.pin b').allInnerTexts()).join() === '1–31');
  assert.equal(await happened(page).getByRole('listitem').count(), 20);
  await page.getByRole('button', { name: '11 earlier' }).click();
  assert.equal(await happened(page).getByRole('listitem').count(), 31);
  await close(page);
});
