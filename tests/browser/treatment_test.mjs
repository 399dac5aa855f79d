// Groups, edits and replay jobs on the page, as far as this broker has them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, until } from './broker.mjs';
import { close, expectAccessible, launch, open, screenshot } from './browser.mjs';

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

const has = (method, path) => Boolean(paths[`/api/v1/hospital${path}`]?.[method]);
const row = (page, words) => page.locator('tbody tr:not(.gap)', { hasText: words });

async function failing(name, number, text) {
  await broker.queue(name);
  await failMore(name, number, text);
}

async function failMore(name, number, text) {
  const lines = Array.from({ length: number }, (_, i) => JSON.stringify({ type: 'order.created',
    body: `{"order": ${i}}`,
    content_type: 'application/json', correlation_id: `of ${name}` }));
  await broker.cli(['publish', name, '--messages'], { input: lines.join('\n') });
  await broker.fail(name, number, text);
}

test('failures of one cause are one line, with what people know about it', async (t) => {
  if (!has('get', '/groups')) return t.skip('this broker has no groups');
  await failing('grouped', 4, 'no such table: invoices');
  const page = await open(browser, broker, '/hospital?filter=subscription%3Dgrouped');
  await row(page, 'no such table').waitFor();
  assert.equal(await row(page, '').count(), 1);
  assert.equal(await row(page, '').locator('td[data-head="Open"]').innerText(), '4');
  const [{ first_seen_with: seen }] = (await broker.get('/api/v1/hospital/groups?filter=subscription%3Dgrouped')).items;
  assert.match(seen.version, /^\d+\.\d+\.\d+/);
  const words = (await row(page, '').innerText()).replaceAll(/\s+/g, ' ');
  assert.ok(words.includes(`first seen with ${seen.name} ${seen.version}`), words);
  await row(page, '').getByRole('button', { name: 'Notes…' }).click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page, 'what is known about a cause');
  await dialog.getByLabel('Owner').fill('team payments');
  await dialog.getByLabel('Ticket').fill('PAY-17');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row(page, 'team payments').waitFor();
  await screenshot(page, 'groups');
  await expectAccessible(page, 'groups');
  await row(page, '').getByText('no such table').click();
  await page.waitForURL(/\/hospital\/cases\?filter=group/);
  await until('its cases are listed', async () => (await row(page, '').count()) === 4);
  await close(page);
});

test('a cause is snoozed until a version or a rate, which a note leaves alone, and woken', async () => {
  await failing('snoozed', 2, 'no such table: refunds');
  const group = async () => (await broker.get('/api/v1/hospital/groups?filter=subscription%3Dsnoozed')).items[0];
  const page = await open(browser, broker, '/hospital?filter=subscription%3Dsnoozed', { allowed: ['400'] });
  const dialog = page.getByRole('dialog');
  const save = async () => {
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  const notes = () => row(page, '').getByRole('button', { name: 'Notes…' }).click();
  await notes();
  await dialog.getByLabel(/^Until a case of a version/).fill('>=2.4.2');
  await dialog.getByLabel(/^Until so many cases/).fill('often');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').getByText('snoozed_until_rate').waitFor(); // what is refused stays to be read
  await dialog.getByLabel(/^Until so many cases/).fill('100/h');
  await expectAccessible(page, 'a snooze');
  await screenshot(page, 'dialog-snooze');
  await save();
  await row(page, 'snoozed, ends with a case of version >=2.4.2 or at 100 cases an hour').waitFor();
  await expectAccessible(page, 'a snoozed group');
  await screenshot(page, 'groups-snoozed');

  // Somebody else has snoozed it otherwise: a note, which knows nothing of that, does not take it back.
  await notes();
  await dialog.getByLabel('Owner').fill('team refunds');
  const until = new Date(Date.now() + 90 * 60000).toISOString();
  const answer = await fetch(`${broker.url}/api/v1/hospital/groups/${(await group()).id}`, { method: 'PATCH',
    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ snoozed_until: until }) });
  assert.equal(answer.status, 200);
  await save();
  await row(page, 'team refunds').waitFor();
  const { snoozed, ...is } = await group();
  assert.deepEqual([snoozed, Date.parse(is.snoozed_until), is.snoozed_until_version, is.snoozed_until_rate], [true,
    Date.parse(until), '>=2.4.2', '100/h']);

  await row(page, /snoozed, ends in \d+ (h|min) or with a case/).waitFor();
  await notes();
  assert.equal(await dialog.getByLabel('Until this time').inputValue(), 'keep');
  await dialog.getByRole('button', { name: 'Wake it' }).click();
  await save();
  await row(page, 'snoozed, ends').waitFor({ state: 'detached' });
  const woken = await group();
  assert.deepEqual([woken.snoozed, woken.snoozed_until, woken.snoozed_until_version, woken.snoozed_until_rate],
    [false, null, null, null]);

  // A case wakes it: with the second in a minute.
  await notes();
  await dialog.getByLabel(/^Until so many cases/).fill('2/m');
  await save();
  await row(page, 'snoozed, ends at 2 cases a minute').waitFor();
  await failMore('snoozed', 2, 'no such table: refunds');
  await row(page, /woken .* by 2 cases a minute/).waitFor();
  await close(page);
});

test('whose a failure is, and what to do about it, stands with the cause, the case and the queue', async () => {
  const runbook = 'https://runbooks.example/mail?a=1&b=2';
  await broker.queue('owned', '--owner', 'team mail', '--runbook', runbook);
  await failMore('owned', 1, 'the mail server is away');
  const expectLink = async (link) => {
    assert.equal(await link.getAttribute('href'), runbook);
    assert.equal(await link.getAttribute('rel'), 'noreferrer noopener');
  };
  const page = await open(browser, broker, '/hospital?filter=subscription%3Downed');
  const owner = row(page, 'the mail server is away').locator('td[data-head="Owner"]');
  await owner.getByText('team mail').waitFor();
  await owner.getByText('of the queue').waitFor();
  await expectLink(owner.getByRole('link', { name: 'Runbook' }));
  await expectAccessible(page, 'a group with its runbook');

  const [{ id }] = await broker.cases('?queue=owned');
  await page.goto(`/hospital/cases/${id}`);
  const card = page.locator('section', { has: page.getByRole('heading', { name: 'Whose it is' }) });
  await card.getByText('team mail').waitFor();
  await card.getByText('of the queue').waitFor();
  await expectLink(card.getByRole('link', { name: runbook }));
  await expectAccessible(page, 'a case with its runbook');
  await screenshot(page, 'case-owner');

  // Who takes the cause on goes before the owner of the queue.
  await page.goto('/hospital?filter=subscription%3Downed');
  await row(page, '').getByRole('button', { name: 'Notes…' }).click();
  await page.getByRole('dialog').getByLabel('Owner').fill('ann');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await owner.getByText('ann').waitFor();
  assert.equal(await owner.getByText('of the queue').count(), 0);
  await page.goto(`/hospital/cases/${id}`);
  await card.getByText('ann').waitFor();
  assert.equal(await card.getByText('of the queue').count(), 0);

  await page.goto('/queues/owned');
  await expectLink(page.getByRole('link', { name: runbook }));
  await close(page);
});

test('a message is edited, what differs is shown, and the replay sends the new version', async (t) => {
  if (!has('patch', '/cases/{id}')) return t.skip('this broker edits no messages');
  await failing('edited', 1, 'order 0 is none');
  const [one] = await broker.cases('?queue=edited');
  // 412: an edit that came second; 410: the original, gone with its log when the replay was cured.
  const page = await open(browser, broker, `/hospital/cases/${one.id}`, { allowed: ['412', 'status of 410'] });
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  const save = dialog.getByRole('button', { name: 'Save a new version' });
  assert.equal(await save.isDisabled(), true, 'nothing differs yet');
  await dialog.getByLabel('Body').fill('{"order": ');
  await dialog.getByText('The body is not JSON any more').waitFor();
  assert.equal(await save.isDisabled(), true);
  await dialog.getByLabel('Body').fill('{"order": 17}');
  await dialog.getByLabel('Note').fill('the right number');
  await expectAccessible(page, 'the editor');
  await screenshot(page, 'edit');
  await save.click();
  await page.getByText('version 1', { exact: true }).first().waitFor();
  await page.getByText('the right number').waitFor();
  await page.locator('.difference .added', { hasText: '17' }).waitFor();

  // Somebody else is faster: nothing is overwritten.
  await page.getByRole('button', { name: 'Edit…' }).click();
  await dialog.getByLabel('Body').fill('{"order": 18}');
  const answer = await fetch(`${broker.url}/api/v1/hospital/cases/${one.id}`, {
    method: 'PATCH', headers: { 'Content-Type': 'application/json', 'If-Match': '"1"' },
      body: '{"body": "{\\"order\\": 19}"}',
  });
  assert.equal(answer.status, 200);
  await save.click();
  await dialog.getByText('Somebody else has edited this message meanwhile').waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Replay…' }).click();
  await dialog.getByRole('button', { name: 'Replay 1 case' }).click();
  const [message] = await broker.json(['consume', 'edited', '--count', '1', '--print']);
  assert.equal(message.body, '{"order": 19}');
  assert.equal(message.id, one.message_id);
  await page.getByText(/It was cured/).waitFor();
  await close(page);
});

test('a failed message is found by a filter, looked at, edited, replayed, and seen discharged', async (t) => {
  if (!has('patch', '/cases/{id}')) return t.skip('this broker edits no messages');
  await broker.queue('chained');
  for (const [type, order] of [['order.created', 1], ['order.changed', 0]]) {
    await broker.publish('chained', { type, body: `{"order": ${order}}`, content_type: 'application/json' });
  }
  await broker.fail('chained', 2, 'there is no such order');
  // 410: the original, when it is gone with its log.
  const page = await open(browser, broker, '/hospital/cases', { allowed: ['status of 410'] });
  await page.getByRole('searchbox').fill('subscription=chained type=order.changed');
  await page.keyboard.press('Enter');
  await page.waitForURL(/filter=subscription%3Dchained/);
  await row(page, 'order.changed').waitFor();
  await until('one row is left', async () => (await row(page, '').count()) === 1);

  await row(page, 'order.changed').getByText('there is no such order').click();
  await page.waitForURL(/\/hospital\/cases\/[\d-]+$/);
  const id = new URL(page.url()).pathname.split('/').at(-1);
  await page.getByText('because its attempts are used up').waitFor();
  assert.match(await page.locator('.body-view').first().innerText(), /order\s*:\s*0/);
  assert.match(await page.locator('.attempts').innerText(), /there is no such order/);

  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Edit…' }).click();
  await dialog.getByLabel('Body').fill('{"order": 17}');
  await dialog.getByRole('button', { name: 'Save a new version' }).click();
  await page.getByText('version 1', { exact: true }).first().waitFor();

  await page.getByRole('button', { name: 'Replay…' }).click();
  await dialog.getByRole('button', { name: 'Replay 1 case' }).click();
  await page.getByText('It is on its way to chained once more.').waitFor();
  const [message] = await broker.json(['consume', 'chained', '--count', '1', '--print']);
  assert.equal(message.body, '{"order": 17}');
  await page.getByText(/It was cured: acknowledged .*after 1 replay/).waitFor();
  await page.getByText('acknowledged', { exact: true }).waitFor();
  assert.deepEqual((await broker.cases('?queue=chained&state=discharged')).map((one) => one.id), [id]);
  assert.deepEqual((await broker.cases('?queue=chained&state=admitted')).map((one) => one.type), ['order.created']);
  await close(page);
});

test('a cause says with which version of a consumer it was first seen', async () => {
  await broker.queue('versions');
  await broker.publish('versions', { type: 'webhook', body: 'no JSON' });
  const stop = broker.worker('versions');
  try {
    await until('it has failed', async () => (await broker.cases('?queue=versions')).length === 1);
  } finally {
    await stop();
  }
  const page = await open(browser, broker, '/hospital?filter=subscription%3Dversions');
  await row(page, '').first().waitFor();
  assert.match(await row(page, '').first().innerText(), /first seen with\s+webhook-worker 1\.0\.1/);
  await close(page);
});

test('an edit changes no number that nobody has touched', async (t) => {
  if (!has('patch', '/cases/{id}')) return t.skip('this broker edits no messages');
  await broker.queue('numbers');
  await broker.publish('numbers', { content_type: 'application/json',
    body: '{"large":9007199254740993,"zero":-0,"price":1.50,"order":0}' });
  await broker.fail('numbers', 1, 'order 0 is none');
  const [{ id }] = await broker.cases('?queue=numbers');
  const page = await open(browser, broker, `/hospital/cases/${id}`);
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  const body = dialog.getByLabel('Body');
  const laidOut = '{\n  "large": 9007199254740993,\n  "zero": -0,\n  "price": 1.50,\n  "order": 0\n}';
  assert.equal(await body.inputValue(), laidOut);
  await body.fill(laidOut.replace('"order": 0', '"order": 17'));
  await dialog.getByRole('button', { name: 'Save a new version' }).click();
  await page.getByText('version 1', { exact: true }).first().waitFor();
  const answer = await fetch(`${broker.url}/api/v1/hospital/cases/${id}/body`);
  assert.equal(await answer.text(), laidOut.replace('"order": 0', '"order": 17'));
  await close(page);
});

test('JSON is shown as it stands in the message, and what is nested can be pressed by anybody', async () => {
  await broker.queue('exact');
  await broker.publish('exact', { content_type: 'application/json', body: '{"id":9007199254740993,"amount":1.10,'
    + '"huge":1e400,"z":1,"10":"b","2":"a","dup":1,"dup":2,"lines":[{"sku":"\\u0007\\ud800","parts":[-0]},'
    + '{"sku":"b","parts":[]}],"note":{},' + `"many":[${'["x"],'.repeat(101)}null]}` });
  await broker.fail('exact', 1);
  const [{ id }] = await broker.cases('?queue=exact');
  const page = await open(browser, broker, `/hospital/cases/${id}`);
  const view = page.locator('.body-view');
  await view.waitFor();
  const lines = (await view.locator('div.node').allInnerTexts()).map((line) => line.replaceAll(/\s+/g, ' ').trim());
  assert.deepEqual(lines.slice(0, 8), ['id: 9007199254740993', 'amount: 1.10', 'huge: 1e400', 'z: 1', '10: "b"',
    '2: "a"', 'dup: 1', 'dup: 2']);
  assert.ok(lines.includes('sku: "BEL\\ud800"'), lines.join('\n'));
  await view.locator('summary', { hasText: 'parts' }).click(); // the fourth level, which begins folded
  await view.getByText('-0').waitFor();
  assert.deepEqual(await view.locator('.json-number').allInnerTexts(), ['9007199254740993', '1.10', '1e400', '1', '1',
    '2', '-0']);
  await expectAccessible(page, 'nested JSON');
  await screenshot(page, 'json');
  await close(page);
});

test('a message is compared with one that went well', async () => {
  await broker.queue('compared');
  // A log is trimmed up to what is not settled: this one stays, so that the one that went well does.
  await broker.publish('compared', { type: 'waits', body: 'x' });
  await broker.publish('compared', { type: 'order.created', body: '{"order": 1, "country": "NL"}',
    content_type: 'application/json' });
  const consume = ['consume', 'compared', '--accept', 'order.created', '--count', '1'];
  await broker.cli([...consume, '--print']);
  await broker.publish('compared', { type: 'order.created', body: '{"order": 2}', content_type: 'application/json' });
  await broker.cli([...consume, '--exec', 'echo no country >&2; exit 1']);
  const [one] = await broker.cases('?queue=compared');
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  await page.getByRole('button', { name: /Compare with/ }).click();
  await page.locator('.difference .removed', { hasText: '"country": "NL"' }).waitFor();
  await expectAccessible(page, 'a comparison');
  await screenshot(page, 'compared');
  await close(page);
});

test('who did what to a case stands beside it, and in the audit trail', async () => {
  await failing('audited', 1, 'x');
  const [one] = await broker.cases('?queue=audited');
  await broker.cli(['hospital', 'discard', one.id, '--yes']);
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  const mine = page.locator('section', { has: page.getByRole('heading', { name: 'Who did what' }) });
  await mine.getByText('discard case').waitFor();
  await page.goto('/hospital/audit');
  await page.getByLabel('Of this operation').fill('discardCase');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/operation=discardCase/);
  await page.getByRole('listitem').filter({ hasText: 'discard case' }).getByRole('link', { name: one.id }).click();
  await page.waitForURL(/hospital\/cases/);
  await close(page);
});

test('who uses the page says a name once, and the audit trail has it', async () => {
  await failing('named', 2, 'x');
  const [one, other] = await broker.cases('?queue=named');
  const actors = async (operation) => (await broker.get(`/api/v1/audit?operation=${operation}&actor=${
    encodeURIComponent('Ann Müller ✚')}`)).items.filter((entry) => [one.id, other.id].includes(entry.target));
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  const dialog = page.getByRole('dialog');
  const name = dialog.getByLabel('Your name');
  await page.getByRole('button', { name: 'Discard…' }).click();
  await name.fill('Ann Müller ✚');
  await name.press('Enter'); // which does nothing: the dialog is about something else
  await expectAccessible(page, 'a dialog with a name');
  await screenshot(page, 'dialog-name');
  assert.equal((await broker.get(`/api/v1/hospital/cases/${one.id}`)).state, 'admitted');
  await dialog.getByRole('button', { name: 'Discard 1 case' }).click();
  await page.getByText('It was given up').waitFor();
  assert.ok((await actors('discardCase')).length > 0);

  await page.goto(`/hospital/cases/${other.id}`); // loaded anew: it is known
  await page.getByRole('button', { name: 'Edit…' }).click();
  assert.equal(await name.inputValue(), 'Ann Müller ✚');
  await dialog.getByLabel('Body').fill('{"order": 17}');
  await dialog.getByRole('button', { name: 'Save a new version' }).click();
  await page.locator('.edits').getByText('Ann Müller ✚').waitFor();
  assert.ok((await actors('editCase')).length > 0);
  await page.goto(`/hospital/audit?target=${one.id}`);
  await page.getByRole('listitem').filter({ hasText: 'discard case' }).getByText('Ann Müller ✚').waitFor();

  // Taken away again, it is the address.
  await page.goto(`/hospital/cases/${one.id}`);
  await page.getByRole('button', { name: 'Restore…' }).click();
  await name.fill('');
  await dialog.getByRole('button', { name: 'Restore 1 case' }).click();
  await page.getByRole('button', { name: 'Replay…' }).waitFor();
  const [restored] = (await broker.get(`/api/v1/audit?operation=restoreCase&target=${one.id}`)).items;
  assert.match(restored.actor, /^127\.0\.0\.1/);
  await close(page);
});

test('older calls of the audit trail are read when somebody asks for them, once each', async () => {
  await broker.queue('much');
  for (let i = 0; i < 130; ++i) {
    const answer = await fetch(`${broker.url}/api/v1/queues/much`, { method: 'PATCH',
      headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ max_attempts: i + 2 }) });
    assert.equal(answer.status, 200);
  }
  const page = await open(browser, broker, '/hospital/audit?target=much');
  const calls = page.locator('ol.audit > li');
  await page.getByText('max_attempts: 130 → 131').waitFor();
  assert.equal(await calls.count(), 100);
  await page.getByRole('button', { name: 'Older ones' }).click();
  await page.getByText('put queue').waitFor();
  assert.equal(await calls.count(), 131);
  assert.equal(await page.getByText('max_attempts: 30 → 31').count(), 1);
  assert.equal(await page.getByRole('button', { name: 'Older ones' }).count(), 0, 'that was all');
  await page.getByLabel('Of this operation').fill('putQueue');
  await page.getByRole('button', { name: 'Filter' }).click();
  await until('only that is listed', async () => (await calls.count()) === 1);
  await close(page);
});

test('alerts are listed with their cause', async () => {
  await failing('alerting', 1, 'a cause of its own');
  const page = await open(browser, broker, '/hospital/alerts');
  await page.getByText(/alerting/).first().waitFor();
  await expectAccessible(page, 'alerts');
  await close(page);
});

test('a discard is taken back', async (t) => {
  if (!has('post', '/cases/{id}/restore')) return t.skip('this broker restores nothing');
  await failing('restored', 1, 'x');
  const [one] = await broker.cases('?queue=restored');
  await broker.cli(['hospital', 'discard', one.id, '--reason', 'of no use', '--yes']);
  const page = await open(browser, broker, `/hospital/cases/${one.id}`);
  await page.getByRole('button', { name: 'Restore…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore 1 case' }).click();
  await page.getByRole('button', { name: 'Replay…' }).waitFor();
  // Why it was given up stands in its history, and nowhere else any more.
  const done = page.locator('.history li');
  await until('both are shown', async () => (await done.count()) === 2);
  assert.match(await done.first().innerText(), /discarded by[^]*of no use/);
  assert.match(await done.last().innerText(), /restored by/);
  await expectAccessible(page, 'a case with a history');
  await close(page);
});

test('everything that matches is discarded with a reason, and taken back, and nothing else is touched', async () => {
  await failing('forlorn', 30, 'the shop is closed');
  await failing('others', 1, 'the shop is closed');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dforlorn');
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Discard everything that matches…' }).click();
  await dialog.getByText('Give up 30 cases: nobody will get them.').waitFor();
  await failMore('forlorn', 1, 'the shop is closed'); // behind the count: left alone
  await dialog.getByLabel('Why').fill('closed for good');
  await expectAccessible(page, 'discarding everything');
  await screenshot(page, 'dialog-discard-all');
  await dialog.getByRole('button', { name: 'Discard 30 cases' }).click();
  await page.getByText('30 cases discarded.').waitFor();
  const discarded = await broker.cases('?queue=forlorn&state=discarded');
  assert.equal(discarded.length, 30);
  assert.ok(discarded.every((one) => one.discard_reason === 'closed for good'));
  assert.equal((await broker.get('/api/v1/queues/forlorn')).in_hospital, 1);
  assert.equal((await broker.get('/api/v1/queues/others')).in_hospital, 1);

  await page.goto('/hospital/cases?filter=subscription%3Dforlorn%20state%3Ddiscarded');
  await page.getByRole('button', { name: 'Restore everything that matches…' }).click();
  await dialog.getByText('Open 30 cases again.').waitFor();
  await expectAccessible(page, 'restoring everything');
  await screenshot(page, 'dialog-restore-all');
  await dialog.getByRole('button', { name: 'Restore 30 cases' }).click();
  await page.getByText('30 cases restored.').waitFor();
  await page.getByText('No case matches').waitFor(); // the list is of discarded ones, and none is left
  assert.equal((await broker.get('/api/v1/queues/forlorn')).in_hospital, 31);
  await close(page);
});

test('those that are chosen among discarded ones are restored, and nothing is offered that concerns none', async () => {
  await failing('regretted', 5, 'x');
  const all = await broker.cases('?queue=regretted');
  await broker.cli(['hospital', 'discard', ...all.slice(0, 3).map((one) => one.id), '--yes']);
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dregretted%20state%3Ddiscarded');
  const bar = page.getByRole('region', { name: 'What is selected' });
  const offered = async () => (await bar.getByRole('button').allInnerTexts()).map((text) => text.trim());
  await page.getByLabel('Select all that are listed').check();
  await bar.waitFor();
  assert.deepEqual(await offered(), ['Restore 3', 'Clear']);
  await page.keyboard.press('r');
  await page.keyboard.press('d');
  assert.equal(await page.getByRole('dialog').count(), 0, 'none of them can be replayed or discarded');
  await page.getByRole('button', { name: 'Clear' }).click();

  for (const one of all.slice(0, 2)) await page.getByLabel(`Select ${one.id}`, { exact: true }).check();
  await expectAccessible(page, 'discarded ones that are chosen');
  await bar.getByRole('button', { name: 'Restore 2' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Open 2 cases of regretted again. Nobody gets them before you replay them.').waitFor();
  await expectAccessible(page, 'restoring several');
  await screenshot(page, 'dialog-restore');
  await dialog.getByRole('button', { name: 'Restore 2 cases' }).click();
  await page.getByText('2 cases restored.').waitFor();
  assert.equal((await broker.cases('?queue=regretted&state=admitted')).length, 4);
  assert.deepEqual((await broker.cases('?queue=regretted&state=discarded')).map((one) => one.id), [all[2].id]);

  // Open and discarded ones together: each action says how many it is about.
  await page.goto('/hospital/cases?filter=subscription%3Dregretted');
  await row(page, '').nth(4).waitFor();
  await page.getByLabel('Select all that are listed').check();
  await bar.waitFor();
  assert.deepEqual(await offered(), ['Replay 4', 'Discard 4', 'Restore 1', 'Clear']);
  await close(page);
});

test('everything that matches is replayed, one first, and the job shows what became of it', async (t) => {
  if (!has('post', '/replays')) return t.skip('this broker has no replay jobs');
  await failing('many', 30, 'no such table: invoices');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dmany');
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Put 30 cases back where each failed').waitFor();
  await expectAccessible(page, 'replaying everything');
  await screenshot(page, 'dialog-replay-all');
  await dialog.getByRole('button', { name: 'Replay 30 cases' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await page.getByText('canary', { exact: true }).waitFor();
  await screenshot(page, 'replay-canary');
  assert.equal((await broker.get('/api/v1/queues/many')).ready, 1, 'one first');
  await broker.acknowledge('many', 30);
  await page.getByText('30 of 30 cases settled').waitFor();
  await page.getByText('The canary (1 case) was cured').waitFor();
  await page.getByRole('link', { name: '30 discharged' }).waitFor();
  await page.getByText('done', { exact: true }).waitFor();
  await expectAccessible(page, 'a job');
  await screenshot(page, 'replay-done');
  await page.goto('/hospital/replays');
  await row(page, 'subscription=many').waitFor();
  await expectAccessible(page, 'jobs');
  await screenshot(page, 'replays');
  await close(page);
});

test('a canary that fails stops the job, and everything else stays where it is', async (t) => {
  if (!has('post', '/replays')) return t.skip('this broker has no replay jobs');
  await failing('ill', 12, 'still broken');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dill');
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay 12 cases' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  await broker.fail('ill', 1, 'still broken');
  await page.getByText('stopped', { exact: true }).waitFor();
  await page.getByText('The canary (1 case) was not cured: nothing else was sent.').waitFor();
  await page.getByRole('link', { name: '1 relapsed' }).waitFor();
  const { in_hospital: left } = await broker.get('/api/v1/queues/ill');
  assert.equal(left, 12);
  await close(page);
});

test('a job is paused, resumed and cancelled', async (t) => {
  if (!has('post', '/replays/{id}/pause')) return t.skip('this broker has no replay jobs');
  await failing('slow', 12, 'x');
  const page = await open(browser, broker, '/hospital/cases?filter=subscription%3Dslow');
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay 12 cases' }).click();
  await page.waitForURL(/\/hospital\/replays\/\d+/);
  for (const [verb, then] of [['Pause', 'paused'], ['Resume', 'canary'], ['Cancel the job', 'cancelled']]) {
    await page.getByRole('button', { name: verb, exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    await page.locator('h1 .badge', { hasText: then }).waitFor();
  }
  await close(page);
});
