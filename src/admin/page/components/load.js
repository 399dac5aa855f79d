// Reading something from the broker, for a place: what was read, the problem if there was one, and to read it again.
import { makeReading } from '../reading.js';
import { useEffect, useRef, useState } from '../view.js';

const SETTLED_MS = 400;

/** What `value` is when it has not changed for a moment: the broker is not asked about every letter. */
export function useSettled(value) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (value === settled) return undefined;
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/**
 * `read(signal)` gives a promise. Reads anew when `keys` change; what was read stays meanwhile, unless they did. `look`
 * is for those who look every few seconds: it does nothing while a reading is under way. `again` reads once more after
 * it.
 */
export function useLoad(read, keys) {
  const [state, setState] = useState({ data: undefined, problem: null });
  const reading = useRef(null);
  const newest = useRef(read);
  newest.current = read;
  reading.current ??= makeReading(setState);
  useEffect(() => {
    reading.current.begin(read);
    return () => reading.current.end();
  }, keys);
  const latest = (signal) => newest.current(signal);
  return { ...state, look: () => reading.current.look(latest), again: () => reading.current.again(latest) };
}
