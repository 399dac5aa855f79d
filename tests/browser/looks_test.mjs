// Every place at 320, 1280 and 3840 pixels, in dark and light: nothing scrolls sideways, axe finds nothing, and a
// screenshot is kept for people to look at. And ten thousand rows stay quick.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SIZES = [[320, 720], [1280, 800], [3840, 2160]];

let browser;
let broker;
const places = {};

before(async () => {
  browser = await launch();
  broker = await Broker.start();
  await broker.queue('billing', '--backoff-initial', '100ms');
  await broker.cli(['queue', 'update', 'billing', '--max-attempts', '3']);
  await broker.queue('shipping');
  await broker.queue('idle');
  await broker.cli(['queue', 'create', 'resting', '--paused']);
  await broker.cli(['topic', 'create', 'orders.events']);
  await broker.cli(['subscription', 'create', 'mail', '--topic', 'orders.events']);
  for (let i = 0; i < 5; ++i) {
    const body = JSON.stringify({ order: i, customer: { name: 'Anna Müller', vip: true }, items: ['a', 'b'],
      total: 12.5, note: null });
    await broker.publish('billing', { type: 'order.created', key: `customer-${i}`, correlation_id: 'c-17', body,
      content_type: 'application/json', headers: { trace: 'abc' } });
  }
  await broker.fail('billing', 15, 'SQLITE_ERROR: no such table: invoices (order 17)');
  await broker.publish('shipping', { type: 'parcel.sent',
    body: '<parcel id="1"><to>Berlin</to><weight unit="kg">2.5</weight></parcel>', content_type: 'application/xml' });
  await broker.fail('shipping', 1, 'connection refused: 10.0.0.7:5432');
  await broker.publish('shipping', { type: 'parcel.sent', body: 'waits' });
  await broker.publish('resting', { body: 'waits' });
  await broker.publish('orders.events', { type: 'order.paid', body: '{"order": 1}' });
  const [one] = await broker.cases('?queue=billing');
  const [other] = await broker.cases('?queue=shipping');
  await broker.cli(['hospital', 'discard', other.id, '--yes']);
  Object.assign(places, {
    overview: '/', hospital: '/hospital', cases: '/hospital/cases',
      filtered: '/hospital/cases?filter=type%3Dorder.created+state%3Dadmitted',
    empty: '/hospital/cases?filter=subscription%3Didle', case: `/hospital/cases/${one.id}`,
      discarded: `/hospital/cases/${other.id}`,
    queue: '/queues/billing', subscription: '/subscriptions/mail', topic: '/topics/orders.events',
      nowhere: '/hospital/cases/0-0-0-0',
  });
  const { paths } = await broker.get('/openapi.json');
  places.audit = '/hospital/audit';
  places.audited = '/hospital/audit?operation=discardCase';
  places.alerts = '/hospital/alerts';
  if (paths['/api/v1/hospital/replays']) places.replays = '/hospital/replays';
  if (paths['/api/v1/hospital/quarantines']) {
    places.quarantine = '/hospital/quarantine';
    await broker.cli(['hospital', 'quarantine', 'add', 'billing', '--type', 'order.created.by.a.machine.#', '--header',
      'region=eu', '--reason', 'it sends amounts without a currency', '--until', '8h']);
    await broker.cli(['hospital', 'quarantine', 'add', 'mail', '--key', 'customer-4']);
  }
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

for (const dark of [false, true]) {
  for (const [width, height] of SIZES) {
    test(`every place at ${width} pixels, ${dark ? 'dark' : 'light'}`, async () => {
      for (const [name, path] of Object.entries(places)) {
        const page = await open(browser, broker, path, { width, height, dark, allowed: ['404'] });
        await page.locator('.list, .card, .blank-title, .problem').first().waitFor();
        await until('nothing is being read', async () => (await page.locator('main > .blank .spinner').count()) === 0);
        const where = `${name} at ${width} ${dark ? 'dark' : 'light'}`;
        await expectNoSidewaysScroll(page, where);
        await expectAccessible(page, where);
        await screenshot(page, `${name}-${width}-${dark ? 'dark' : 'light'}`);
        await close(page);
      }
    });
  }
}

test('dialogs, in dark and light', async () => {
  for (const dark of [false, true]) {
    for (const [width, height] of SIZES) {
      const page = await open(browser, broker, places.case, { width, height, dark });
      for (const [name, button] of [['replay', 'Replay…'], ['discard', 'Discard…'], ['edit', 'Edit…']]) {
        if (name === 'edit' && (await page.getByRole('button', { name: button }).count()) === 0) continue;
        await page.getByRole('button', { name: button }).click();
        await page.getByRole('dialog').waitFor();
        await expectAccessible(page, `the dialog ${name} at ${width}`);
        await screenshot(page, `dialog-${name}-${width}-${dark ? 'dark' : 'light'}`);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
      await close(page);
    }
  }
});

test('of ten thousand rows only those in sight are drawn', async () => {
  await broker.queue('many');
  const lines = Array.from({ length: 10000 }, (_, i) => JSON.stringify({ type: `type.${i % 7}`, body: `${i}` }));
  await broker.cli(['publish', 'many', '--messages'], { input: lines.join('\n') });
  await broker.cli(['queue', 'update', 'many', '--on-expiry', 'hospital', '--ttl', '1ms']);
  await until('all have expired into the hospital', async () =>
    (await broker.get('/api/v1/queues/many')).in_hospital === 10000);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dmany');
  await page.locator('tbody tr').first().waitFor();
  await until('ten thousand are read', async () => {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    return Number(await page.locator('table.list').getAttribute('aria-rowcount')) === 10001;
  });
  assert.ok((await page.locator('tbody tr').count()) < 120);
  await close(page);
});
