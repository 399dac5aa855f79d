// The cases of a replay job. The broker looks at so many a call: those of an outcome or a subscription may come only
// after several.
import { call } from './api.js';

const LOOKS = 5; // for the first that is asked for

/** The first page that has any, { items, cursor }; with a cursor but no items it is not known whether there are. */
export async function firstCasesOf(id, query, signal) {
  let cursor;
  for (let look = 0; ; ++look) {
    const page = await call('listReplayCases', { args: { id }, query: { ...query, cursor }, signal });
    if (page.items.length > 0 || !page.cursor || look + 1 === LOOKS) return page;
    ({ cursor } = page);
  }
}
