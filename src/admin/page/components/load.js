// Reading something from the broker, for a place: what was read, the problem if there was one, and to read it again.
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

/** `read(signal)` gives a promise. Reads anew when `keys` change; what was read stays meanwhile, unless they did. */
export function useLoad(read, keys) {
  const [state, setState] = useState({ data: undefined, problem: null });
  const turn = useRef(0);
  const control = useRef(null);
  const load = async (fresh) => {
    control.current?.abort();
    control.current = new AbortController();
    const mine = ++turn.current;
    if (fresh) setState({ data: undefined, problem: null });
    try {
      const data = await read(control.current.signal);
      if (mine === turn.current) setState({ data, problem: null });
    } catch (problem) {
      if (mine === turn.current && problem.name !== 'AbortError') setState((old) => ({ data: old.data, problem }));
    }
  };
  useEffect(() => {
    load(true);
    return () => {
      ++turn.current;
      control.current?.abort();
    };
  }, keys);
  return { ...state, again: () => load(false) };
}
