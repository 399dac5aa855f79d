// What a message may bring along, in every view: scripts, marks that turn the direction of text round, control
// characters, a line of a megabyte, bytes that are no text. It is shown as text, and nothing else happens.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Broker } from './broker.mjs';
import { close, expectAccessible, expectNoSidewaysScroll, launch, open, screenshot } from './browser.mjs';

const SCRIPT = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>';
const TURNED = 'invoice\u202egpj.exe\u2066';
const CONTROLS = 'bell\u0007 null\u0000 escape\u001b[31m';
const SCRIPT_IN_XML = '<?xml version="1.0"?><r onload="document.title=1">'
  + `<script xmlns="http://www.w3.org/1999/xhtml">document.title="taken"</script><a>${TURNED}</a></r>`;
const ENTITIES = `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "${'&a;'.repeat(50)}">`
  + `<!ENTITY c "${'&b;'.repeat(50)}">]><r>&c;</r>`;
const LONG_LINE = 'x'.repeat(1 << 20);
const NOTED = `${TURNED} ${SCRIPT}`; // what somebody wrote about it
const QUEUE = 'hostile';

// Protobuf by hand: a field with a length before it, one with a small number, and a descriptor of odd.Text.
const field = (number, ...parts) => {
  const value = Buffer.concat(parts.map((one) => Buffer.from(one)));
  assert.ok(value.length < 128, 'its length is one byte');
  return Buffer.from([number << 3 | 2, value.length, ...value]);
};
const small = (number, value) => Buffer.from([number << 3, value]);
const DESCRIPTORS = field(1, field(1, 'odd.proto'), field(2, 'odd'), field(4, field(1, 'Text'),
  field(2, field(1, 'says'), small(3, 1), small(4, 1), small(5, 9))));

let browser;
let broker;
let folder;
const cases = {};

async function fail(name, message, error) {
  await broker.publish(QUEUE, message);
  await broker.fail(QUEUE, 1, error);
  const [newest] = await broker.cases(`?queue=${QUEUE}`);
  cases[name] = newest.id;
}

before(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'lazaret-hostile.'));
  writeFileSync(join(folder, 'odd.binpb'), DESCRIPTORS);
  broker = await Broker.start([`hospital.protobuf_descriptors=${join(folder, 'odd.binpb')}`]);
  await broker.queue(QUEUE, '--owner', NOTED, '--runbook', `javascript:document.title="taken" ${NOTED}`);
  await fail('script', { type: SCRIPT, key: SCRIPT, correlation_id: SCRIPT, body: SCRIPT, content_type: 'text/html',
    headers: { [SCRIPT]: SCRIPT } }, SCRIPT);
  await fail('json', { type: TURNED, body: JSON.stringify({ [SCRIPT]: SCRIPT, __proto__x: 1, [TURNED]: [TURNED,
    CONTROLS] }), content_type: 'application/json' }, TURNED);
  await fail('xml', { type: 'xml', content_type: 'application/xml',
    body: SCRIPT_IN_XML }, 'x'.repeat(3000));
  await fail('bomb', { type: 'xml', content_type: 'application/xml',
    body: ENTITIES }, 'bomb');
  await fail('long', { type: 'long'.repeat(40), key: 'k'.repeat(200), body: LONG_LINE }, 'long');
  await fail('bytes', { type: 'bytes', body_base64: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28,
    0x41]).toString('base64') }, CONTROLS.replaceAll('\u0000', ''));
  for (const [name, body] of [['protobuf', field(1, SCRIPT, TURNED)], ['undecoded', field(2, SCRIPT)]]) {
    await fail(name, { type: 'odd.Text', content_type: 'application/protobuf', body_base64: body.toString('base64') },
      name);
  }
  await fail('deep', { type: 'deep', content_type: 'application/json', body: '['.repeat(5000) + ']'.repeat(5000) },
    'deep');
});
after(async () => {
  await browser?.close();
  await broker?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

async function expectUnharmed(page, where) {
  assert.match(await page.title(), /Lazaret$/, where);
  assert.equal(await page.evaluate(() =>
    document.querySelectorAll('#page img, #page script, #page iframe, #page object').length), 0, where);
  // A mark that turns the direction never stands in what is shown: it is named instead.
  assert.doesNotMatch(await page.locator('body').innerText(), /[\u202a-\u202e\u2066-\u2069\u0000\u0007\u001b]/, where);
}

async function look(name, path, meanwhile = async () => {}) {
  for (const width of [1280, 320]) {
    const page = await open(browser, broker, path, { width });
    await page.locator('h1').waitFor();
    await page.locator('.blank, .list, .card').first().waitFor();
    await meanwhile(page);
    await expectUnharmed(page, `${name} at ${width}`);
    await expectNoSidewaysScroll(page, `${name} at ${width}`);
    if (width === 1280) await expectAccessible(page, name);
    await screenshot(page, `hostile-${name}-${width}`);
    await close(page);
  }
}

test('the lists show it as text', async () => {
  await look('cases', '/hospital/cases', async (page) => {
    await page.getByText('<script>').first().waitFor();
    await page.getByText('RLO').first().waitFor();
  });
  await look('overview', '/');
  await look('hospital', '/hospital', async (page) => {
    const owner = page.locator('td[data-head="Owner"]').first();
    await owner.getByText('RLO').first().waitFor();
    await owner.getByText('javascript:document.title').waitFor();
    assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
  });
  await look('filtered', `/hospital/cases?filter=${encodeURIComponent(`type="${SCRIPT.replaceAll('"', '\\"')}"`)}`,
    (page) => page.locator('tbody tr').first().waitFor());
});

test('a case shows it as text, in every way in which a body is shown', async () => {
  for (const name of Object.keys(cases)) {
    await look(`case-${name}`, `/hospital/cases/${cases[name]}`, async (page) => {
      await page.locator('.body-view').waitFor();
      for (const view of await page.locator('.tabs button').all()) await view.click();
      const owner = page.locator('section', { has: page.getByRole('heading', { name: 'Whose it is' }) });
      await owner.getByText('RLO').first().waitFor();
      await owner.getByText('javascript:document.title').waitFor();
      assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
    });
  }
});

test('a queue shows its messages as text', async () => {
  await broker.publish(QUEUE, { type: SCRIPT, key: TURNED, body: SCRIPT });
  await look('queue', `/queues/${QUEUE}`, async (page) => {
    await page.locator('.messages summary').last().click();
    await page.locator('.messages .body-view').waitFor();
    await page.locator('.facts').getByText('javascript:document.title').waitFor();
    assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
  });
});

test('a quarantine rule shows what somebody wrote as text, in the list and in its dialogs', async (t) => {
  const { paths } = await broker.get('/openapi.json');
  if (!paths['/api/v1/hospital/quarantines']) return t.skip('this broker has no quarantine rules');
  await broker.cli(['hospital', 'quarantine', 'add', QUEUE, '--type', SCRIPT.replaceAll(' ', '-'), '--key',
    `${TURNED} ${SCRIPT}`, '--reason', `${TURNED} ${SCRIPT}`]);
  await look('quarantine', '/hospital/quarantine', async (page) => {
    await page.getByText('RLO').first().waitFor();
    await page.getByRole('button', { name: 'Lift…' }).click();
    await page.getByRole('dialog').getByText('<script>').first().waitFor();
  });
  await look('queue-quarantine', `/queues/${QUEUE}`, (page) => page.getByText('RLO').first().waitFor());
});

test('a version that is none is text, in the sentence and in what the broker says to it', async () => {
  const page = await open(browser, broker, '/hospital/cases', { allowed: ['400'] });
  await page.getByRole('button', { name: 'Replay everything that matches…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Only to consumers of a version/).fill(`${SCRIPT.replaceAll(' ', '-')}${TURNED}`);
  await dialog.getByRole('alert').getByText('RLO').waitFor();
  await dialog.locator('p').first().getByText('<script>').waitFor();
  await expectUnharmed(page, 'a version');
  await close(page);
});

test('a line of a megabyte is cut, and the rest can be seen', async () => {
  const page = await open(browser, broker, `/hospital/cases/${cases.long}`);
  const view = page.locator('.body-view');
  await view.waitFor();
  assert.ok((await view.innerText()).length < 2000);
  await view.getByRole('button', { name: /more/ }).first().click();
  assert.ok((await view.innerText()).length > 20000);
  await close(page);
});

test('protobuf is laid out, with the word of its type, and its bytes are there too', async () => {
  const page = await open(browser, broker, `/hospital/cases/${cases.protobuf}`);
  const body = page.locator('.body').first();
  await body.locator('.body-view').getByText('says').waitFor();
  await body.getByText('odd.Text').waitFor();
  await body.locator('.body-view').getByText('<script>').waitFor();
  await body.getByRole('button', { name: 'Hex' }).click();
  await body.locator('.hex').waitFor();
  await close(page);
});

test('protobuf that is not what its type says is shown as bytes, with the reason', async () => {
  const page = await open(browser, broker, `/hospital/cases/${cases.undecoded}`);
  await page.getByText('Not decoded as protobuf: it is not what the descriptor of odd.Text says').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Protobuf' }).count(), 0);
  await close(page);
});

test('protobuf is edited as what it says, which becomes bytes again', async () => {
  await broker.queue('odd');
  await broker.publish('odd', { type: 'odd.Text', content_type: 'application/protobuf',
    body_base64: field(1, SCRIPT).toString('base64') });
  await broker.fail('odd', 1, 'odd');
  const [{ id }] = await broker.cases('?queue=odd');
  // 400: what its type cannot say.
  const page = await open(browser, broker, `/hospital/cases/${id}`, { allowed: ['400'] });
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('The body is protobuf').waitFor();
  const body = dialog.getByLabel('Body');
  assert.deepEqual(JSON.parse(await body.inputValue()), { says: SCRIPT });
  await body.fill('{"says": 7}');
  await dialog.getByText('at /says: must be a text').waitFor();
  await body.fill('');
  await dialog.getByText('The body is not JSON any more').waitFor();
  await body.fill('{"says": "nothing bad"}');
  await dialog.locator('.difference .added', { hasText: 'nothing bad' }).waitFor();
  await expectUnharmed(page, 'the editor of protobuf');
  await dialog.getByRole('button', { name: 'Save a new version' }).click();
  await page.getByText('version 1', { exact: true }).first().waitFor();
  const answer = await fetch(`${broker.url}/api/v1/hospital/cases/${id}/body`);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), field(1, 'nothing bad'));
  await close(page);
});

test('bytes that are no text are shown in hexadecimal', async () => {
  const page = await open(browser, broker, `/hospital/cases/${cases.bytes}`);
  await page.locator('.hex').waitFor();
  assert.match(await page.locator('.hex').innerText(), /00000000 {2}ff fe 00 80 c3 28 41 .*A/);
  await close(page);
});

test('a raw body is never run', async () => {
  const answer = await fetch(`${broker.url}/api/v1/hospital/cases/${cases.script}/body`);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.match(answer.headers.get('content-security-policy'), /sandbox/);
});

test('names in the address are shown as text', async () => {
  for (const path of ['/queues/', '/topics/', '/subscriptions/', '/hospital/cases/']) {
    const page = await open(browser, broker, path + encodeURIComponent(SCRIPT + TURNED), { allowed: ['404', '400'] });
    await page.getByRole('alert').first().waitFor();
    await expectUnharmed(page, path);
    await close(page);
  }
});

/** A call that changes something; what the broker says to it. */
async function change(method, path, body) {
  const answer = await fetch(`${broker.url}/api/v1/hospital${path}`, { method,
    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const said = await answer.json();
  assert.ok(answer.ok, JSON.stringify(said));
  return said;
}

test('what people note about a cause is text, in the list, in its dialog and in the audit trail', async () => {
  await broker.queue('noted');
  await broker.publish('noted', { type: 'noted', body: 'x' });
  await broker.fail('noted', 1, 'nothing odd');
  const [{ id }] = await broker.cases('?queue=noted');
  const { group } = await broker.get(`/api/v1/hospital/cases/${id}`);
  await change('PATCH', `/groups/${group}`, { note: NOTED, owner: NOTED, ticket: NOTED });
  await look('group-notes', '/hospital?filter=subscription%3Dnoted', async (page) => {
    await page.getByText('nothing odd').first().waitFor();
    if (page.viewportSize().width > 320) {
      await page.locator('td[data-head="Owner"]').getByText('RLO').nth(1).waitFor(); // owner and ticket
    }
    await expectUnharmed(page, 'the list of causes');
    await page.getByRole('button', { name: 'Notes…' }).click();
    const dialog = page.getByRole('dialog');
    for (const label of ['Owner', 'Ticket']) assert.equal(await dialog.getByLabel(label).inputValue(), NOTED);
    assert.equal(await dialog.locator('textarea').inputValue(), NOTED);
  });
  await look('audit', '/hospital/audit', async (page) => {
    await page.locator('ol.audit').getByText('RLO').first().waitFor();
    await page.locator('ol.audit').getByText('onerror').first().waitFor();
  });
});

test('alerts show errors and owners as text, and a runbook that is no address is no link', async () => {
  await look('alerts', '/hospital/alerts', async (page) => {
    const alert = page.locator('ol.related > li', { hasText: `${QUEUE}: ` }).first();
    await alert.getByText('RLO').first().waitFor();
    await alert.getByText('javascript:document.title').first().waitFor();
    assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
  });
});

test('a replay job shows its filter and its cases as text, in the list and by itself', async () => {
  const filter = `subscription=${QUEUE} type="${SCRIPT.replaceAll('"', '\\"')}"`;
  const { id } = await change('POST', '/replays', { filter });
  await look('replays', '/hospital/replays', (page) =>
    page.locator('tbody').getByText('onerror').first().waitFor());
  await look('replay', `/hospital/replays/${id}`, async (page) => {
    await page.getByText('onerror').first().waitFor();
    await page.locator('tbody').getByText('onerror').first().waitFor();
  });
});
