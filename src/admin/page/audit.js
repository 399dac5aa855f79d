// The audit trail as calls: each has two entries, of which the newer comes first in a list.

/**
 * One per call, newest first: how it ended, or the beginning of one whose end is not known. What was asked for stands
 * in its beginning alone.
 */
export function callsOf(entries) {
  const begun = new Map(entries.filter((entry) => entry.phase === 'began').map((entry) => [entry.number, entry]));
  const ended = new Set(entries.filter((entry) => entry.phase === 'ended').map((entry) => entry.began));
  return entries.filter((entry) => entry.phase === 'ended' || !ended.has(entry.number))
    .map((entry) => ({ ...entry, details: begun.get(entry.began)?.details ?? entry.details }));
}

/** patchQueue -> "patch queue". */
export const operationWords = (name) => (name ?? '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Of a call: asked as if, so what it would have changed has stayed as it was. */
export const isDryRun = (entry) => entry.details?.dry_run === 'true';

/** What differs: [{ name, before, after }]. */
export function changesOf(entry) {
  const names = new Set([...Object.keys(entry.before ?? {}), ...Object.keys(entry.after ?? {})]);
  return [...names].map((name) => ({ name, before: entry.before?.[name], after: entry.after?.[name] }));
}

/** In a word, with its tone. */
export function endOf(entry) {
  if (entry.phase !== 'ended') return { tone: 'warn', icon: 'warn', text: 'end unknown' };
  if (entry.status < 400) return { tone: 'calm', icon: 'good', text: 'done' };
  return { tone: 'warn', icon: 'warn', text: entry.code ?? String(entry.status) };
}
