// A real Chromium. Every page that a test opens is watched: what it complains about, and what its policy has blocked,
// is a failure.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const TOOLS = process.env.LAZARET_BROWSER_TOOLS ?? join(HERE, '../../build/release/browser');
const SCREENSHOTS = join(TOOLS, 'screenshots');
const SKIPPED = 77; // what ctest takes for "not run"

const require = createRequire(join(TOOLS, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

const PROGRAMS = [process.env.LAZARET_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome'];

export async function launch() {
  const executablePath = PROGRAMS.find((path) => path && existsSync(path));
  if (!executablePath) {
    console.log('SKIPPED: there is no Chromium here (tools/setup installs it; LAZARET_CHROMIUM names another)');
    process.exit(SKIPPED);
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

/**
 * Opens a page on the broker. `page.complaints` is what went wrong in it; `allowed` are texts that the test provokes.
 */
export async function open(browser, broker, path, { width = 1280, height = 800, dark = false, allowed = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', baseURL: broker.url,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.complaints = [];
  const complain = (text) => { if (!allowed.some((one) => text.includes(one))) page.complaints.push(text); };
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complain(message.text()); });
  page.on('pageerror', (error) => complain(String(error.stack ?? error)));
  page.on('dialog', (dialog) => { complain(`a script said ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(broker.url)
    && !request.url().startsWith('data:')) complain(`asked ${request.url()}`); });
  await page.goto(path);
  return page;
}

export async function close(page) {
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
}

/** No violation of the rules of accessibility; what axe cannot decide is not counted. */
export async function expectAccessible(page, where) {
  // As a script of the page's own world: the policy of the page forbids it to be added to the document.
  await page.evaluate(require('node:fs').readFileSync(axe, 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  const found = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) =>
    node.target.join(' ')).slice(0, 3).join(' | ')}`);
  assert.deepEqual(found, [], `axe on ${where}`);
}

/** Nothing but bodies scrolls sideways. */
export async function expectNoSidewaysScroll(page, where) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${where} is ${over} pixels too wide`);
}
