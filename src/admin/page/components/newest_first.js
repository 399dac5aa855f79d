// A list that is read from its newest end: the first page again and again, older ones when somebody asks for them. What
// has been read stays listed, unless more has come than a page has.
import { useEffect, useRef, useState } from '../view.js';
import { call } from '../api.js';
import { withNewest, withOlder } from '../newest.js';
import { useLoad } from './load.js';

/**
 * `id(item)` is stable. `items` is undefined until the first page is there, `older` reads on and is null when there are
 * no more, `again` repeats what `problem` has refused, `refresh` looks for what is new.
 */
export function useNewestFirst(name, query, id) {
  const key = JSON.stringify(query);
  const { data, problem, look, again } = useLoad((signal) => call(name, { query, signal }), [key]);
  const [read, setRead] = useState({ items: [], cursor: null });
  const [failed, setFailed] = useState(null);
  const listed = useRef(null); // of which query `read` is
  const busy = useRef(false); // older ones are on their way
  useEffect(() => {
    if (!data) return;
    const same = listed.current === key;
    listed.current = key;
    setFailed(null);
    setRead((old) => (same ? withNewest(old, data, id) : data));
  }, [data]);
  const older = async () => {
    if (busy.current) return;
    busy.current = true;
    const { cursor } = read;
    try {
      const page = await call(name, { query: { ...query, cursor } });
      if (listed.current === key) { // else it is another list by now
        setRead((old) => withOlder(old, page, cursor));
        setFailed(null);
      }
    } catch (error) {
      setFailed(error);
    }
    busy.current = false;
  };
  return { items: data && listed.current === key ? read.items : undefined, problem: problem ?? failed,
    again: problem ? again : older, refresh: look, older: read.cursor ? older : null };
}
