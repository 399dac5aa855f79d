// Editing the message of a case: body and headers. The original is kept; what will differ is asked of the broker and
// shown before it is saved, and a version that somebody else has made meanwhile is never overwritten.
import { html, useMemo, useState } from '../view.js';
import { Problem, call, can } from '../api.js';
import { laidOut } from '../json.js';
import { notify } from '../store.js';
import { contentOf, parseJson } from './body.js';
import { Dialog } from './dialog.js';
import { Difference } from './difference.js';
import { useLoad, useSettled } from './load.js';
import { ProblemNote } from './states.js';
import { Text } from './text.js';

const isJson = (type) => /^application\/(.+\+)?json\b/.test(type ?? '');

const headerLines = (headers) => Object.entries(headers ?? {})
  .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`)).join('\n');

/** "Name: value" a line; null where a line is none. */
function readHeaders(text) {
  const headers = {};
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const colon = line.indexOf(':');
    if (colon <= 0) return null;
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? [headers[name], value].flat() : value;
  }
  return headers;
}

/** What is to be sent of the headers: those that changed, null for those that are gone. */
function headerChange(before, after) {
  const change = {};
  for (const name of Object.keys(before ?? {})) if (!(name in after)) change[name] = null;
  for (const [name, value] of Object.entries(after)) {
    if (JSON.stringify(value) !== JSON.stringify(before?.[name])) change[name] = value;
  }
  return change;
}

/** `always`: an empty body is a mistake too. */
function mistakeIn(text, before, headers, type, always) {
  if (headers === null) return 'A header is written as “Name: value”, one a line.';
  if ((isJson(type) || parseJson(before)) && (always || text.trim() !== '')) {
    try {
      JSON.parse(text);
    } catch (error) {
      return `The body is not JSON any more: ${error.message}`;
    }
  }
  return null;
}

/** What would differ, as the broker says; `changes` is what would be sent, or null. */
function Preview({ one, tag, changes }) {
  const wanted = changes ? JSON.stringify(changes) : '';
  const asked = useSettled(wanted);
  const { data, problem } = useLoad((signal) => (asked === '' ? Promise.resolve(null) : call('previewEdit', {
    args: { id: one.id }, body: JSON.parse(asked), headers: { 'If-Match': tag }, signal })), [asked]);
  if (!changes) return html`<p class="faint">Nothing differs yet.</p>`;
  if (asked === wanted && problem) return html`<${ProblemNote} problem=${problem} />`;
  if (asked !== wanted || !data) return html`<p class="faint" role="status">Comparing…</p>`;
  return html`<${Difference} lines=${data.lines} masked=${data.masked_differs} />`;
}

export function EditDialog({ close, then, ...given }) {
  // The version that was seen when the editing began: the page behind reads on.
  const [{ one, tag }] = useState(given);
  const { message } = one;
  const content = useMemo(() => contentOf(message), [message]);
  // Of protobuf what it says, which the broker makes bytes of again.
  const decoded = message.withheld === undefined ? message.body_protobuf?.json ?? null : null;
  const text = decoded ?? content.text;
  const pretty = useMemo(() => (parseJson(text) ? laidOut(text) : text ?? ''), [text]);
  const [body, setBody] = useState(pretty);
  const [headers, setHeaders] = useState(headerLines(message.headers));
  const [note, setNote] = useState('');
  // Bytes of protobuf that is not decoded may happen to be text.
  const binary = text === null || message.withheld !== undefined
    || (decoded === null && Boolean(message.body_protobuf));
  const read = readHeaders(headers);
  const mistake = mistakeIn(body, text, read, message.content_type, decoded !== null);
  const changes = { ...(body !== pretty && !binary && { body }) };
  const changed = read && headerChange(message.headers, read);
  if (changed && Object.keys(changed).length > 0) changes.headers = changed;
  const changesAnything = Object.keys(changes).length > 0;
  const act = async () => {
    if (note.trim()) changes.note = note.trim();
    let now;
    try {
      now = await call('editCase', { args: { id: one.id }, body: changes, headers: { 'If-Match': tag } });
    } catch (problem) {
      if (problem.status !== 412) throw problem;
      throw new Problem({
        code: problem.code, status: 412, retry: 'never',
        title: 'Somebody else has edited this message meanwhile; nothing was saved. Copy what you have written, close '
          + 'this, and look at the newer version.',
      });
    }
    notify({ kind: 'good', text: now.version === one.version
      ? `That changes nothing: the message of case ${one.id} stays as it is.`
      : `The message of case ${one.id} has a new version; a replay sends it.` });
    then?.();
  };
  return html`<${Dialog} title="Edit the message" confirm="Save a new version" act=${act} close=${close}
      disabled=${mistake !== null || !changesAnything}>
    <p>Save a new version of the message of case ${one.id}; the original is kept, and the next replay sends what you
      write here.</p>
    ${message.masked && html`<p class="faint">What shows as *** is masked: leave it, and it stays as it was.</p>`}
    ${message.withheld ? html`<p class="faint">The body is not shown, and stays as it is.</p>`
      : binary ? html`<p class="faint">The body is not text: edit it with <code>lazaret hospital
      edit ${one.id} --body-file FILE</code>.</p>`
      : html`${decoded !== null && html`<p class="faint">The body is protobuf (<${Text}
        value=${message.body_protobuf.type} max=${200} />): what it says is edited here, and made bytes again.</p>`}
        <label class="field">Body
        <textarea data-first rows="14" spellcheck=${false} value=${body} aria-invalid=${mistake ? 'true' : 'false'}
          onInput=${(e) => setBody(e.target.value)}></textarea></label>`}
    <label class="field">Headers
      <textarea rows="3" spellcheck=${false} value=${headers} onInput=${(e) => setHeaders(e.target.value)}></textarea>
        </label>
    <label class="field">Note (kept with the version)
      <input type="text" maxlength="1000" value=${note} autocomplete="off" onInput=${(e) =>
        setNote(e.target.value)} /></label>
    ${mistake && html`<p class="problem-line" role="alert">${mistake}</p>`}
    ${!mistake && can('previewEdit') && html`<h3>What will differ</h3><${Preview} one=${one} tag=${tag}
      changes=${changesAnything ? changes : null} />`}
  </${Dialog}>`;
}
