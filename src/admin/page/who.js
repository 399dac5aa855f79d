// Who uses the page, as they say: kept in this browser, sent with every call, and written down in the audit trail. It
// proves nothing; it is there so that colleagues know whom to ask.

const KEY = 'lazaret.name';
/** Characters; of at most 4 bytes each, they are the 256 bytes that the audit trail keeps of a name. */
export const NAME_LENGTH = 64;

let kept = ''; // where the browser keeps nothing for a page: as long as this one is open

/** What may be sent as a name: no control characters, which a header cannot have, and not more than is kept of it. */
export const cleanName = (text) => [...text.replace(/\p{Cc}/gu, '').trim()].slice(0, NAME_LENGTH).join('').trim();

/** As fetch takes it: a character for each byte of UTF-8, which the broker reads. */
export const headerOf = (name) => String.fromCharCode(...new TextEncoder().encode(name));

/** "" when nobody has said it: the audit trail then has the address. */
export function nameOfUser() {
  try {
    return cleanName(localStorage.getItem(KEY) ?? '');
  } catch {
    return kept;
  }
}

export function keepName(text) {
  kept = cleanName(text);
  try {
    if (kept) localStorage.setItem(KEY, kept);
    else localStorage.removeItem(KEY);
  } catch {
    // It is forgotten with the page.
  }
}
