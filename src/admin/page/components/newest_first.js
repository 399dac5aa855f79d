// A list that is read from its newest end: the first page again and again, older ones when somebody asks for them. What
// has been read stays listed.
import { useEffect, useRef, useState } from '../view.js';
import { call } from '../api.js';
import { useLoad } from './load.js';

/**
 * `id(item)` is stable. `items` is undefined until the first page is there, `older` reads on and is null when there are
 * no more, `again` repeats what `problem` has refused, `refresh` looks for what is new.
 */
export function useNewestFirst(name, query, id) {
  const key = JSON.stringify(query);
  const { data, problem, again } = useLoad((signal) => call(name, { query, signal }), [key]);
  const [read, setRead] = useState({ items: [], cursor: null });
  const [failed, setFailed] = useState(null);
  const listed = useRef(null); // of which query `read` is
  useEffect(() => {
    if (!data) return;
    const known = new Set(data.items.map(id));
    const same = listed.current === key;
    listed.current = key;
    setFailed(null);
    setRead((old) => (same ? { ...old, items: [...data.items, ...old.items.filter((one) => !known.has(id(one)))] }
      : data));
  }, [data]);
  const older = async () => {
    try {
      const page = await call(name, { query: { ...query, cursor: read.cursor } });
      if (listed.current !== key) return; // another list by now
      setRead((old) => ({ items: [...old.items, ...page.items], cursor: page.cursor }));
      setFailed(null);
    } catch (error) {
      setFailed(error);
    }
  };
  return { items: data && listed.current === key ? read.items : undefined, problem: problem ?? failed,
    again: problem ? again : older, refresh: again, older: read.cursor ? older : null };
}
