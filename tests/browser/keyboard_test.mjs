// A failure is found, looked at and replayed with the keyboard alone; the focus can always be seen.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, launch, open } from './browser.mjs';

let browser;
let broker;

before(async () => {
  browser = await launch();
  broker = await Broker.start();
  await broker.queue('billing');
  for (let i = 0; i < 3; ++i) await broker.publish('billing', { type: `order.${i}`, body: `{"order": ${i}}` });
  await broker.fail('billing', 3);
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  return { text: element.textContent.trim().slice(0, 80), tag: element.tagName, row: element.dataset.index,
    outlined: style.outlineStyle !== 'none' };
});

test('overview, hospital, a case, its replay: without a mouse', async () => {
  const page = await open(browser, broker, '/');
  await page.locator('tbody tr').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await page.keyboard.press('h');
  await page.waitForURL('**/hospital');
  await page.goto('/hospital/cases');
  await page.locator('tbody tr').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('subscription=billing');
  await page.keyboard.press('Enter');
  await page.waitForURL(/filter=subscription/);
  await page.keyboard.press('Escape'); // out of the field
  await until('three rows are listed', async () => (await page.locator('tbody tr:not(.gap)').count()) === 3);

  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await until('the second row has the focus', async () => (await focused(page)).row === '1');
  assert.equal((await focused(page)).outlined, true);
  await page.keyboard.press('k');
  await until('the first row has the focus', async () => (await focused(page)).row === '0');
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByText('2 cases selected').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('2 cases selected').waitFor({ state: 'detached' });

  await page.keyboard.press('Enter');
  await page.waitForURL(/\/hospital\/cases\/[\d-]+$/);
  await page.getByText('because its attempts are used up').waitFor();
  await page.keyboard.press('r');
  await page.getByRole('dialog').waitFor();
  assert.equal((await focused(page)).text, 'Replay 1 case');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal((await broker.get('/api/v1/queues/billing')).ready, 0, 'Escape does nothing');
  await page.keyboard.press('r');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('It is on its way to billing once more.').waitFor();
  await until('the broker has it', async () => (await broker.get('/api/v1/queues/billing')).ready === 1);
  await close(page);
});

test('a dialog holds the focus', async () => {
  const [one] = await broker.cases('?queue=billing&state=admitted');
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  await page.getByText('because its attempts are used up').waitFor();
  await page.keyboard.press('d');
  await page.getByRole('dialog').waitFor();
  for (let i = 0; i < 8; ++i) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(() => document.activeElement === document.body
      || Boolean(document.activeElement.closest('dialog')));
    assert.ok(inside, `after ${i + 1} tabs`);
  }
  await page.keyboard.press('Escape');
  await close(page);
});

test('everything that has the focus shows it', async () => {
  for (const path of ['/', '/hospital/cases', '/queues/billing']) {
    const page = await open(browser, broker, path);
    await page.locator('.list, .card').first().waitFor();
    const seen = new Set();
    for (let i = 0; i < 40; ++i) {
      await page.keyboard.press('Tab');
      const at = await focused(page);
      if (at.tag === 'BODY') break;
      seen.add(at.text);
      assert.equal(at.outlined, true, `${at.tag} ${at.text} on ${path}`);
    }
    assert.ok(seen.size > 4, path);
    await close(page);
  }
});
