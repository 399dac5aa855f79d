// The broker's events: the overview, live. Keeps the rows of the store, their rates, and says whether we are connected.
import { call } from './api.js';
import { get, set } from './store.js';

const RATE_WINDOW_MS = 10000;
const HISTORY_EVERY_MS = 60000;
/** A tab that nobody looks at gives its connection back: a browser has only six for all tabs of a broker. */
const HIDDEN_MS = 20000;

let source = null;
let samples = []; // { at, rows } of the last RATE_WINDOW_MS
let retry = 0;
let hiddenTimer = 0;
let troubled = null; // how many rows there are of which the broker warns; null: not known yet

function rates(rows) {
  const [oldest] = samples;
  const newest = samples[samples.length - 1];
  const seconds = (newest.at - oldest.at) / 1000;
  const result = new Map();
  if (seconds < 0.5) return result;
  for (const [name, row] of rows) {
    const before = oldest.rows.get(name) ?? row;
    result.set(name, {
      in: Math.max(0, (row.entered_total - before.entered_total) / seconds),
      out: Math.max(0, (row.acked_total - before.acked_total) / seconds),
    });
  }
  return result;
}

function take({ at, full, items, gone, more }) {
  const rows = full ? new Map() : new Map(get().rows);
  for (const row of items) rows.set(row.name, row);
  for (const name of gone) rows.delete(name);
  const time = Date.parse(at);
  samples = samples.filter((sample) => time - sample.at < RATE_WINDOW_MS && sample.at < time);
  samples.push({ at: time, rows });
  const skew = time - Date.now();
  set({
    rows, more, rates: rates(rows), tick: get().tick + 1,
    skew: Math.abs(skew - get().skew) > 500 ? skew : get().skew,
    link: get().link.state === 'live' ? get().link : { state: 'live', since: Date.now() },
  });
  lookForTrouble(rows);
}

/** Its warnings count them, so these are other ones when they are more or fewer. */
function lookForTrouble(rows) {
  const before = troubled;
  troubled = [...rows.values()].filter((row) => row.breaker !== 'closed' || row.hospital_level === 'full').length;
  if (before !== null && before !== troubled) readWarnings();
}

function lose() {
  if (get().link.state !== 'lost') set({ link: { state: 'lost', since: Date.now() } });
}

function open() {
  close();
  source = new EventSource('/api/v1/events');
  source.addEventListener('overview', (event) => {
    retry = 0;
    take(JSON.parse(event.data));
  });
  source.onerror = () => {
    lose();
    samples = [];
    // Refused: the browser does not try again by itself.
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    retry = Math.min(retry + 1, 6);
    setTimeout(() => { if (!source && !document.hidden) open(); }, 500 * 2 ** retry);
  };
}

function close() {
  source?.close();
  source = null;
}

/** The last hour of each row; it changes once a minute. */
async function readHistories() {
  try {
    const overview = await call('getOverview');
    set({ histories: new Map(overview.items.map((item) => [item.name, item.history])),
      historiesUntil: Date.parse(overview.history_until) });
  } catch {
    // The link says that the broker is away; the next minute asks again.
  }
  await readWarnings();
}

/** What the broker says of itself. */
async function readWarnings() {
  try {
    const health = await call('getHealth');
    set({ warnings: health.warnings });
  } catch {
    // As above.
  }
}

function onVisibility() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(close, HIDDEN_MS);
  } else if (!source) {
    samples = [];
    open();
    readHistories();
  }
}

export function begin() {
  open();
  readHistories();
  setInterval(() => { if (!document.hidden) readHistories(); }, HISTORY_EVERY_MS);
  document.addEventListener('visibilitychange', onVisibility);
}
