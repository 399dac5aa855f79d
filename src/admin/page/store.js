// The one store: what all places share. A place keeps for itself only what nobody else needs (a dialog that is open).
import { useEffect, useState } from './view.js';

const state = {
  address: null, // router.js
  operations: null, // api.js: what this broker can do; null until it is known
  link: { state: 'connecting', since: Date.now() }, // events.js: connecting, live, lost
  rows: new Map(), // name -> row of the overview, the newest
  rates: new Map(), // name -> { in, out } a second
  histories: new Map(), // name -> the last hour, minute by minute
  historiesUntil: 0, // when the last of these minutes ended, in ms
  more: false, // there are queues without a row
  skew: 0, // ms that the broker's clock is ahead of ours
  tick: 0, // rises with every event
  warnings: [], // of the broker about itself
  notices: [], // what has just been done
};
const listeners = new Set();

export const get = () => state;

export function set(change) {
  Object.assign(state, change);
  for (const listener of [...listeners]) listener();
}

/** What `select` gives of the store; draws anew when that has changed. */
export function useStore(select) {
  const [, draw] = useState(0);
  const chosen = select(state);
  useEffect(() => {
    let last = select(state);
    const listener = () => {
      const now = select(state);
      if (now === last) return;
      last = now;
      draw((n) => n + 1);
    };
    listener();
    if (last !== chosen) draw((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, [select]);
  return chosen;
}

let lastNotice = 0;

/** Says what was done: { kind: 'good' | 'bad', text, link?: { to, text } }. Good ones go by themselves. */
export function notify(notice) {
  const id = ++lastNotice;
  set({ notices: [...state.notices, { ...notice, id }].slice(-4) });
  if (notice.kind === 'good') setTimeout(() => dismiss(id), 12000);
}

export function dismiss(id) {
  set({ notices: state.notices.filter((notice) => notice.id !== id) });
}

/** The time of the broker, in ms. */
export const brokerNow = () => Date.now() + state.skew;
