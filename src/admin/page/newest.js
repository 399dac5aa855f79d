// A list that is read from its newest end, as values: what it is after another look at its first page, and after an
// older page.

/**
 * `read`: { items, cursor } so far; `page`: the first page as it is now. A page that goes on and has nothing that is
 * known does not reach what was read: there is something between them, so the list begins anew with it.
 */
export function withNewest(read, page, id) {
  const known = new Set(read.items.map(id));
  if (page.cursor && !page.items.some((one) => known.has(id(one)))) return page;
  const newest = new Set(page.items.map(id));
  return { items: [...page.items, ...read.items.filter((one) => !newest.has(id(one)))], cursor: read.cursor };
}

/** `cursor`: with which `page` was asked; the list may have begun anew, or gone on, meanwhile. */
export const withOlder = (read, page, cursor) => (read.cursor === cursor
  ? { items: [...read.items, ...page.items], cursor: page.cursor } : read);
