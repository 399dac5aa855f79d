// What an operator does on the page: find, look, replay, see it discharged, discard; a broker that goes and comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, launch, open } from './browser.mjs';

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

const text = (page, selector) => page.locator(selector).innerText();
/** A row of a list, by what is written in it. */
const row = (page, words) => page.locator('tbody tr:not(.gap)', { hasText: words });

test('what is not there says so and leads back, without a button that cannot help', async () => {
  for (const [path, back, leads] of [['/hospital/cases/7-7-7-7', 'Back to the cases', '/hospital/cases'],
    ['/hospital/replays/4711', 'Back to the replays', '/hospital/replays'],
    ['/queues/none', 'Back to the overview', '/'], ['/subscriptions/none', 'Back to the overview', '/'],
    ['/topics/none', 'Back to the overview', '/']]) {
    const page = await open(browser, broker, path, { allowed: ['404'] });
    const alert = page.locator('main').getByRole('alert');
    await alert.getByText('NOT_FOUND').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0, path);
    await expectAccessible(page, path);
    await alert.getByRole('link', { name: back }).click();
    await page.waitForURL((url) => url.pathname === leads);
    await close(page);
  }
});

test('a broker that is away for a moment is asked again', async () => {
  await broker.queue('away');
  const page = await open(browser, broker, '/', { allowed: ['503'] });
  let refused = 0;
  await page.route('**/api/v1/queues/away', (route) => (refused++ === 0 ? route.fulfill({ status: 503,
    json: { code: 'UNAVAILABLE', title: 'It is starting', retry: 'after' } }) : route.continue()));
  await row(page, 'away').getByRole('link', { name: 'away' }).click();
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await close(page);
});

test('a failed message is found, looked at, replayed, and seen discharged', async () => {
  await broker.queue('billing');
  await broker.publish('billing', { type: 'order.created', key: 'k-17', body: '{"order": 17}',
    content_type: 'application/json', headers: { trace: 'abc' } });
  await broker.publish('billing', { type: 'order.paid', body: 'two' });
  await broker.fail('billing', 2);

  const page = await open(browser, broker, '/');
  await row(page, 'billing').getByText('open cases').waitFor();
  await row(page, 'billing').getByRole('link', { name: '2', exact: true }).click();
  await page.waitForURL(/\/hospital\/cases\?filter=subscription/);
  await row(page, 'order.created').waitFor();
  assert.equal(await row(page, '').count(), 2);

  await page.getByRole('searchbox').fill('type=order.created');
  await page.keyboard.press('Enter');
  await page.waitForURL(/filter=type%3Dorder.created/);
  await until('one row is left', async () => (await row(page, '').count()) === 1);
  assert.match(await text(page, '.chips'), /type is\s+order.created/);

  await row(page, 'order.created').getByText('no such table').click();
  await page.waitForURL(/\/hospital\/cases\/[\d-]+$/);
  await page.getByText('because its attempts are used up').waitFor();
  const attempts = await text(page, '.attempts');
  assert.match(attempts, /failed/);
  assert.match(attempts, /exit 1\s+no such table: invoices/);
  assert.match(await text(page, '.body-view'), /order\s*:\s*17/);
  assert.match(await text(page, '.envelope'), /trace\s+abc/);

  await page.getByRole('button', { name: 'Replay…' }).click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.innerText(), /Put 1 case back on billing; nobody else gets it\./);
  await dialog.getByRole('button', { name: 'Replay 1 case' }).click();
  await page.getByText('It is on its way to billing once more.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Replay…' }).count(), 0, 'no button that can only be refused');

  await broker.acknowledge('billing', 1);
  await page.getByText(/It was cured: acknowledged .*after 1 replay/).waitFor();
  await page.getByText('acknowledged', { exact: true }).waitFor();
  await close(page);
});

test('cases are selected and replayed together, and the page says what it did', async () => {
  await broker.queue('mail');
  for (let i = 0; i < 5; ++i) await broker.publish('mail', { type: `mail.${i}`, body: `${i}` });
  await broker.fail('mail', 5, 'SMTP 451');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dmail');
  await row(page, 'mail.4').waitFor();
  const types = await page.locator('tbody tr td[data-head="Type"]').allInnerTexts();
  await row(page, types[4]).getByRole('checkbox').click();
  await row(page, types[2]).getByRole('checkbox').click({ modifiers: ['Shift'] });
  const bar = page.getByRole('region', { name: 'What is selected' });
  assert.match(await bar.innerText(), /3 cases selected/);
  await bar.getByRole('button', { name: 'Replay 3' }).click();
  assert.match(await page.getByRole('dialog').innerText(), /Put 3 cases back on mail; nobody else gets them\./);
  await page.getByRole('dialog').getByRole('button', { name: 'Replay 3 cases' }).click();
  await until('the broker has them', async () => (await broker.get('/api/v1/queues/mail')).ready === 3);
  await broker.acknowledge('mail', 3);
  const settled = await until('three are discharged', async () => {
    const cases = await broker.cases('?queue=mail&state=discharged');
    return cases.length === 3 && cases;
  });
  assert.deepEqual(settled.map((one) => one.type).sort(), types.slice(2).sort());
  await close(page);
});

test('a case is discarded with a reason, and Escape leaves everything as it is', async () => {
  await broker.queue('stale');
  await broker.publish('stale', { type: 'old', body: 'x' });
  await broker.fail('stale', 1);
  const [one] = await broker.cases('?queue=stale');
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  await page.getByRole('button', { name: 'Discard…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel',
    'nothing destructive is the default');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Discard…/, 'the focus is given back');
  assert.equal((await broker.cases('?queue=stale'))[0].state, 'admitted');

  await page.getByRole('button', { name: 'Discard…' }).click();
  await dialog.getByLabel('Why').fill('the customer has gone');
  await dialog.getByRole('button', { name: 'Discard 1 case' }).click();
  await page.getByText('It was given up').waitFor();
  await page.getByLabel('The case').getByText('the customer has gone').waitFor();
  assert.equal((await broker.cases('?queue=stale'))[0].state, 'discarded');
  await close(page);
});

test('what the broker refuses is shown with its code, and what to do', async () => {
  await broker.queue('raced');
  await broker.publish('raced', { body: 'x' });
  await broker.fail('raced', 1);
  const [one] = await broker.cases('?queue=raced');
  const page = await open(browser, broker, `/hospital/cases/${one.id}`, { allowed: ['409', '400', '404'] });
  await page.getByRole('button', { name: 'Discard…' }).click();
  await broker.cli(['hospital', 'discard', one.id, '--yes']);
  await page.getByRole('dialog').getByRole('button', { name: 'Discard 1 case' }).click();
  const problem = page.getByRole('dialog').getByRole('alert');
  await problem.waitFor();
  assert.match(await problem.innerText(), /CASE_BUSY/);
  await page.keyboard.press('Escape');

  await page.goto('/hospital/cases?filter=nonsense');
  await page.getByText('BAD_REQUEST').waitFor();
  await page.goto('/hospital/cases/0-9-9-9');
  await page.getByText('NOT_FOUND').waitFor();
  await close(page);
});

test('what changes does not jump: new cases wait behind a button', async () => {
  await broker.queue('growing');
  await broker.publish('growing', { type: 'first', body: 'x' });
  await broker.fail('growing', 1);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dgrowing');
  await row(page, 'first').waitFor();
  await broker.publish('growing', { type: 'second', body: 'x' });
  await broker.fail('growing', 1);
  await page.getByRole('button', { name: '1 new' }).waitFor();
  assert.equal(await row(page, '').count(), 1);
  await page.getByRole('button', { name: '1 new' }).click();
  await row(page, 'second').waitFor();
  await close(page);
});

test('a queue says who consumes, what it holds and why nothing is delivered; it is paused and resumed', async () => {
  await broker.queue('orders');
  await broker.publish('orders', { type: 'order.created', body: '{"order": 1}' });
  const page = await open(browser, broker, '/queues/orders');
  await page.locator('p', { hasText: 'Nobody consumes from it.' }).waitFor();
  await page.locator('.messages summary').first().click();
  assert.match(await text(page, '.messages .body-view'), /order\s*:\s*1/);
  await page.getByRole('button', { name: 'Pause…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause orders' }).click();
  await page.getByRole('button', { name: 'Resume…' }).waitFor();
  assert.equal((await broker.get('/api/v1/queues/orders')).paused, true);
  await page.getByRole('button', { name: 'Resume…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume orders' }).click();
  await page.getByRole('button', { name: 'Pause…' }).waitFor();
  await close(page);
});

test('a topic shows its subscriptions', async () => {
  await broker.cli(['topic', 'create', 'events']);
  await broker.cli(['subscription', 'create', 'listener', '--topic', 'events']);
  const page = await open(browser, broker, '/');
  await page.getByRole('link', { name: 'events', exact: true }).click();
  await page.waitForURL('**/topics/events');
  await page.getByRole('link', { name: 'listener' }).click();
  await page.waitForURL('**/subscriptions/listener');
  await page.getByRole('heading', { name: 'Subscription listener' }).waitFor();
  await close(page);
});

test('the connection is lost and comes back by itself', async () => {
  const page = await open(browser, broker, '/', { allowed: ['ERR_', 'Failed to load'] });
  await page.getByText('live', { exact: true }).waitFor();
  await broker.kill();
  await page.getByText('The connection to the broker is lost.').waitFor();
  await broker.again();
  await broker.queue('afterwards');
  await page.getByText('live', { exact: true }).waitFor();
  await row(page, 'afterwards').waitFor();
  await page.getByText('The connection to the broker is lost.').waitFor({ state: 'detached' });
  await close(page);
});
