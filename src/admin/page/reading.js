// Reading the same thing again and again, one reading at a time: one that takes longer than the time between two looks
// is not begun anew for ever, but comes to its end.

/**
 * `tell({ data, problem })` gets what each reading has brought; a problem leaves the data as they were. `begin(read)`
 * reads something else from now on; `look(read)` does nothing while a reading is under way; `again(read)` then reads
 * once more after it, for what has been changed meanwhile; `end()` forgets it all. `read(signal)` gives a promise.
 */
export function makeReading(tell) {
  let control = null; // of the reading that is under way
  let next = null; // the one that is to follow it
  let state = { data: undefined, problem: null };
  const say = (change) => {
    state = { ...state, ...change };
    tell(state);
  };
  const run = async (read) => {
    const mine = new AbortController();
    control = mine;
    const change = await read(mine.signal).then((data) => ({ data, problem: null }), (problem) => ({ problem }));
    if (control !== mine) return; // something else is read by now
    control = null;
    say(change);
    const follows = next;
    next = null;
    if (follows && !control) await run(follows);
  };
  const end = () => {
    control?.abort();
    control = null;
    next = null;
  };
  return {
    begin(read) {
      end();
      say({ data: undefined, problem: null });
      return run(read);
    },
    look: (read) => (control ? undefined : run(read)),
    again(read) {
      if (!control) return run(read);
      next = read;
      return undefined;
    },
    end,
  };
}
