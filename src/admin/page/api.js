// The broker's HTTP API: one function that makes a call of calls.js, and what this broker can do, from /openapi.json.
import { CALLS } from './calls.js';
import { get, set, useStore } from './store.js';
import { headerOf, nameOfUser } from './who.js';

/** A reading that takes longer comes to nothing: the broker itself gives up after half of it. */
const READING_MS = 60000;

/** What was refused, or did not arrive: an error that a person can read. */
export class Problem extends Error {
  constructor({ status = 0, code, title, detail, retry, retry_after_ms: after, ...rest }) {
    super(detail || title);
    this.status = status;
    this.code = code;
    this.advice = adviceOf(retry, after);
    /** The broker does not take what it was asked: not one that is away or busy, which may well take it later. */
    this.isRefusal = status >= 400 && status < 500 && retry === 'never';
    this.rest = rest;
  }
}

function adviceOf(retry, after) {
  if (retry === 'same_call') return 'Try again.';
  if (retry === 'after') return after ? `Try again in ${Math.ceil(after / 1000)} s.` : 'Try again a little later.';
  if (retry === 'operator') return 'Somebody who looks after the broker has to act first.';
  return 'Trying the same again will not help.';
}

const unreachable = () => new Problem({
  code: 'UNREACHABLE', title: 'The broker cannot be reached.', retry: 'after',
});

async function problemOf(response) {
  const fallback = {
    status: response.status, code: `HTTP_${response.status}`, title: `The broker answered ${response.status}.`,
    retry: response.status >= 500 ? 'after' : 'never',
  };
  try {
    return new Problem({ ...fallback, ...await response.json() });
  } catch {
    return new Problem(fallback);
  }
}

function addressOf(path, args, query) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(args[name]));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `${filled}?${new URLSearchParams(given)}` : filled;
}

export const bodyAddress = (id) => addressOf(CALLS.getCaseBody.path, { id }, {});

/** Makes a call; gives what it answered, with its ETag when `withTag`. Throws a Problem. */
export async function call(name, { args = {}, query = {}, body, headers = {}, signal, withTag = false } = {}) {
  const { method, path } = CALLS[name];
  const changes = method !== 'get';
  const request = { method: method.toUpperCase(), headers: { ...headers }, cache: 'no-store',
    signal: signal && AbortSignal.any([signal, AbortSignal.timeout(READING_MS)]) };
  const user = nameOfUser();
  if (user) request.headers['X-Lazaret-Actor'] = headerOf(user);
  if (changes) {
    request.headers['Content-Type'] = 'application/json';
    if (method !== 'delete') request.body = JSON.stringify(body ?? {}); // the broker takes none with it
  }
  let response;
  try {
    response = await fetch(addressOf(path, args, query), request);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text().catch(() => { throw unreachable(); });
  const answer = text === '' ? null : JSON.parse(text);
  return withTag ? { answer, tag: response.headers.get('ETag') } : answer;
}

// --- What this broker can do ---------------------------------------------------------------------------------------

function readOperations(description) {
  const operations = new Map();
  for (const [name, { method, path }] of Object.entries(CALLS)) {
    const found = Object.entries(description.paths)
      .find(([known]) => known.replace(/\{\w+\}/g, '{}') === path.replace(/\{\w+\}/g, '{}'));
    const operation = found?.[1][method];
    if (!operation) continue;
    operations.set(name, {
      query: new Set((operation.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name)),
    });
  }
  return operations;
}

export async function learnOperations() {
  try {
    const response = await fetch('/openapi.json');
    if (!response.ok) throw await problemOf(response);
    set({ operations: readOperations(await response.json()) });
  } catch {
    setTimeout(learnOperations, 3000);
  }
}

export const can = (name) => get().operations?.has(name) ?? false;
export const takesQuery = (name, parameter) => get().operations?.get(name)?.query.has(parameter) ?? false;

const operationsOf = (state) => state.operations;
/** Draws anew when it is known what the broker can do; null until then. */
export const useOperations = () => useStore(operationsOf);
