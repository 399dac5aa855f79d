// Where we are: the path names the place, the query its filters, so that every view can be shared as a link.
import { get, set } from './store.js';

function read() {
  const segments = location.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  return { path: location.pathname, segments, query: new URLSearchParams(location.search) };
}

function arrive() {
  set({ address: read() });
}

/** The address of a place, with the parameters that are not empty. */
export function to(path, query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return text ? `${path}?${text}` : path;
}

export const segment = (text) => encodeURIComponent(text);

export function go(address, { replace = false } = {}) {
  if (address === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  const changed = get().address.path !== location.pathname;
  arrive();
  if (changed) {
    scrollTo(0, 0);
    // Whoever does not see the page hears where it is now.
    requestAnimationFrame(() => document.querySelector('h1')?.focus());
  }
}

/** Links of the page's own change the place without loading anything. */
function onClick(event) {
  const link = event.target.closest?.('a[href]');
  if (!link || event.defaultPrevented || event.button !== 0 || link.target || link.hasAttribute('download')) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.origin !== location.origin) return;
  if (link.pathname.startsWith('/api/') || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export function begin() {
  arrive();
  addEventListener('popstate', arrive);
  document.addEventListener('click', onClick);
}
