// The dialogs of what is done with cases beside replays: each one sentence with numbers and names, and afterwards what
// it did.
import { html, useState } from '../view.js';
import { discardOne, forEachCase, restoreOne } from '../actions.js';
import { can } from '../api.js';
import { count, some } from '../format.js';
import { notify } from '../store.js';
import { Dialog } from './dialog.js';
import { Text } from './text.js';

/** "`billing`", "`billing` and `mail`", "5 queues". */
export function Places({ names }) {
  const distinct = [...new Set(names)];
  if (distinct.length > 3) return html`${distinct.length} queues and subscriptions`;
  return distinct.map((name, i) => html`${i === 0 ? '' : i === distinct.length - 1 ? ' and ' : ', '}<b class="name">
    <${Text} value=${name} max=${80} /></b>`);
}

export const Progress = ({ done, of }) => of > 1 && done > 0 && html`<progress max=${of} value=${done}>${done} of ${of}
  </progress>
  <p class="faint small" role="status">${count(done)} of ${count(of)}</p>`;

/** Says how it went; what was refused stays in the dialog. */
export function report({ good, refused }, verb, link) {
  if (good > 0) notify({ kind: 'good', text: `${some(good, 'case')} ${verb}.`, link });
  if (refused.size === 0) return;
  const [[code, { problem, ids }]] = refused;
  const others = refused.size > 1 ? ` and ${refused.size - 1} other reasons` : '';
  notify({ kind: 'bad', text: `${some(ids.length, 'case')} not ${verb}: ${code}: ${problem.message}${others}` });
}

export function DiscardDialog({ cases, close, then }) {
  const [reason, setReason] = useState('');
  const [done, setDone] = useState(0);
  const n = cases.length;
  const act = async () => {
    if (n === 1) {
      await discardOne(cases[0].id, reason.trim());
      notify({ kind: 'good', text: `Case ${cases[0].id} is discarded.` });
    } else {
      report(await forEachCase(cases.map((one) => one.id), (id) => discardOne(id, reason.trim()), setDone),
        'discarded');
    }
    then?.();
  };
  return html`<${Dialog} title=${n === 1 ? 'Discard this case' : `Discard ${some(n, 'case')}`} grave
    confirm=${`Discard ${some(n, 'case')}`}
      act=${act} close=${close} disabled=${n === 0}>
    <p>Give up ${some(n, 'message')} of <${Places} names=${cases.map((one) => one.subscription)} />: nobody will
      get ${n === 1 ? 'it' : 'them'}.
      ${can('restoreCase') ? ' It can be taken back until the case is forgotten.' : ' This cannot be taken back.'}</p>
    <label class="field">Why (kept with the case)
      <input type="text" maxlength="1000" value=${reason} autocomplete="off" onInput=${(e) => setReason(e.target.value)}
        onKeyDown=${(e) => { if (e.key === 'Enter') e.preventDefault(); }} /></label>
    <${Progress} done=${done} of=${n} />
  </${Dialog}>`;
}

export function RestoreDialog({ close, then, ...given }) {
  // Those that were chosen when this was asked: the list behind reads on, where they are open soon.
  const [cases] = useState(given.cases);
  const [done, setDone] = useState(0);
  const n = cases.length;
  const act = async () => {
    if (n === 1) {
      await restoreOne(cases[0].id);
      notify({ kind: 'good', text: `Case ${cases[0].id} is open again.` });
    } else {
      report(await forEachCase(cases.map((one) => one.id), restoreOne, setDone), 'restored');
    }
    then?.();
  };
  const them = n === 1 ? 'it' : 'them';
  return html`<${Dialog} title=${n === 1 ? 'Restore this case' : `Restore ${some(n, 'case')}`}
    confirm=${`Restore ${some(n, 'case')}`} act=${act} close=${close}>
    <p>Open ${n === 1 ? `case ${cases[0].id}` : some(n, 'case')} of <${Places}
      names=${cases.map((one) => one.subscription)} /> again. Nobody gets ${them} before you replay ${them}.</p>
    <${Progress} done=${done} of=${n} />
  </${Dialog}>`;
}
