// The dialogs of what is done with cases beside replays: each one sentence with numbers and names, and afterwards what
// it did.
import { html, useRef, useState } from '../view.js';
import { discardOne, forEachCase, rehearseMany, restoreOne, treatMany } from '../actions.js';
import { can } from '../api.js';
import { count, some } from '../format.js';
import { notify } from '../store.js';
import { Dialog } from './dialog.js';
import { useLoad } from './load.js';
import { ProblemNote } from './states.js';
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
  const [[code, { problem, n }]] = refused;
  const others = refused.size > 1 ? ` and ${refused.size - 1} other reasons` : '';
  notify({ kind: 'bad', text: `${some(n, 'case')} not ${verb}: ${code}: ${problem.message}${others}` });
}

const Why = ({ reason, setReason }) => html`<label class="field">Why (kept with the case)
  <input type="text" maxlength="1000" value=${reason} autocomplete="off" onInput=${(e) => setReason(e.target.value)}
    onKeyDown=${(e) => { if (e.key === 'Enter') e.preventDefault(); }} /></label>`;

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
    <${Why} reason=${reason} setReason=${setReason} />
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

const MANY = {
  discard: {
    operation: 'discardCases', Verb: 'Discard', done: 'discarded', grave: true, which: 'open',
    does: (what, them) => `Give up ${what}: nobody will get ${them}. It can be taken back until the cases are `
      + 'forgotten.',
  },
  restore: {
    operation: 'restoreCases', Verb: 'Restore', done: 'restored', grave: false, which: 'discarded',
    does: (what, them) => `Open ${what} again. Nobody gets ${them} before you replay ${them}.`,
  },
};

/** Everything that matches a filter is discarded, or restored (`verb`); how many that would be is asked first. */
export function ManyDialog({ verb, filter, close, then }) {
  const { operation, Verb, done, grave, which, does } = MANY[verb];
  const [reason, setReason] = useState('');
  const [soFar, setSoFar] = useState(null);
  const stopped = useRef(false);
  const { data: rehearsal, problem, again } = useLoad((signal) => rehearseMany(operation, filter, signal), [filter]);
  const total = rehearsal?.total ?? 0;
  const more = Boolean(rehearsal?.at_least); // with none so far, there may be some all the same
  const any = total > 0 || more;
  const what = total === 0 ? 'all that match' : `${more ? 'at least ' : ''}${some(total, 'case')}`;
  const act = async () => {
    setSoFar(0);
    const result = await treatMany(operation, done, { filter, cursor: rehearsal.cursor, reason: reason.trim() },
      setSoFar, () => stopped.current);
    report(result, done);
    if (result.left) notify({ kind: 'bad', text: 'Stopped: the other cases are as they were.' });
    then?.();
    if (result.problem) {
      setSoFar(null);
      throw result.problem;
    }
    if (result.good === 0 && result.refused.size === 0) {
      notify({ kind: 'bad', text: `No case is ${done}: none of them matches any more.` });
    }
  };
  return html`<${Dialog} title=${`${Verb} everything that matches`} grave=${grave} confirm=${any ? `${Verb} ${what}`
    : Verb} act=${act} close=${close} disabled=${!any}>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!rehearsal && !problem && html`<p role="status">Counting what would be ${done}…</p>`}
    ${rehearsal && !any && html`<p>No ${which} case matches: there is nothing to ${verb}.</p>`}
    ${any && html`<p>${does(what, total === 1 && !more ? 'it' : 'them')} Cases that come from now on are left
      alone.${total === 0 && ' How many match is not known yet: there are too many others.'}</p>`}
    <p class="filter-text">${filter ? html`<code><${Text} value=${filter} /></code>`
      : `No filter: all ${which} cases of the broker.`}</p>
    ${verb === 'discard' && html`<${Why} reason=${reason} setReason=${setReason} />`}
    ${soFar !== null && html`<${Progress} done=${soFar} of=${Math.max(total, soFar)} />
      <p><button type="button" onClick=${() => { stopped.current = true; }}>Stop</button></p>`}
  </${Dialog}>`;
}
