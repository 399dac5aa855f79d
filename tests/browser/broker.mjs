// A broker of the test's own: a real daemon on free ports with a folder of its own, and the command line tool.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const BIN = process.env.LAZARET_BIN_DIR ?? join(HERE, '../../build/release/bin');
const PATIENCE_MS = 60000;

/** Asks until it is so; an error names what was waited for in vain. */
export async function until(what, condition, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** Runs until the function that this gives is called, which gives a promise of its end. */
function untilCalled(program, args) {
  const child = spawn(join(BIN, program), args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  return () => {
    child.kill('SIGTERM');
    return ended;
  };
}

export class Broker {
  /** `settings`: of the configuration, "section.key=value". */
  static async start(settings = []) {
    const broker = new Broker();
    broker.settings = settings;
    broker.folder = mkdtempSync(join(tmpdir(), 'lazaret-browser.'));
    await broker.run('127.0.0.1:0', '127.0.0.1:0');
    return broker;
  }

  async run(listen, adminListen) {
    const log = openSync(join(this.folder, 'log'), 'a');
    const data = join(this.folder, 'data');
    const addresses = join(data, 'lazaretd.addresses');
    rmSync(addresses, { force: true });
    const settings = ['broker.reconnect_grace=500ms', 'broker.resume_grace=500ms', ...this.settings];
    this.process = spawn(join(BIN, 'lazaretd'), ['--data-dir', data, '--listen', listen, '--admin-listen', adminListen,
      ...settings.flatMap((one) => ['--set', one])], { stdio: ['ignore', log, log] });
    this.ended = new Promise((resolve) => { this.process.on('exit', resolve); });
    await until('the broker is ready', () => {
      if (this.process.exitCode !== null) throw new Error(readFileSync(join(this.folder, 'log'), 'utf8'));
      return existsSync(addresses);
    });
    this.addresses = JSON.parse(readFileSync(addresses, 'utf8'));
    this.url = `http://${this.addresses.admin}`;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** On the same ports, with the same data. */
  async again() {
    await this.run(this.addresses.broker, this.addresses.admin);
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One command of the command line tool; its standard output. */
  cli(args, { input = '', status = 0 } = {}) {
    return new Promise((resolve, reject) => {
      const child = execFile(join(BIN, 'lazaret'), ['--broker', this.addresses.broker, ...args],
        { maxBuffer: 64 << 20 },
        (error, out, err) => {
          const code = error ? error.code : 0;
          if (code === status) resolve(out);
          else reject(new Error(`lazaret ${args.join(' ')}: ${code}: ${err}`));
        });
      child.stdin.on('error', () => {}); // it may end without reading
      child.stdin.end(input);
    });
  }

  /** A command that runs until the function that this gives is called. */
  background(args) {
    return untilCalled('lazaret', ['--broker', this.addresses.broker, ...args]);
  }

  /**
   * A worker of the demonstration, webhook-worker 1.0.1, in the same way. It acknowledges JSON objects, and fails at
   * once with anything else.
   */
  worker(name) {
    const ledger = join(this.folder, `ledger of ${name}`);
    return untilCalled('lazaret_demo_worker', [`lazaret://${this.addresses.broker}`, name, ledger]);
  }

  async json(args, options) {
    const lines = await this.cli(['--json', ...args], options);
    return lines.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  async get(path) {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  }

  queue(name, ...options) {
    return this.cli(['queue', 'create', name, '--max-attempts', '1', ...options]);
  }

  publish(name, message) {
    return this.cli(['publish', name, '--messages'], { input: JSON.stringify(message) });
  }

  /** A worker that fails `deliveries` with this text. */
  fail(name, deliveries, text = 'no such table: invoices') {
    return this.cli(['consume', name, '--count', String(deliveries), '--exec',
      `printf '%s' "$TEXT" >&2; exit 1`.replace('"$TEXT"', quoted(text))]);
  }

  acknowledge(name, deliveries) {
    return this.cli(['consume', name, '--count', String(deliveries), '--exec', 'cat >/dev/null']);
  }

  cases(query = '') {
    return this.get(`/api/v1/hospital/cases${query}`).then((page) => page.items);
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
