// The dialogs of what is done with cases: each one sentence with numbers and names, and afterwards what it did.
import { html, useState } from '../view.js';
import { discardOne, forEachCase, replayOne, restoreOne } from '../actions.js';
import { call, can, takesField } from '../api.js';
import { count, some } from '../format.js';
import { go, segment } from '../router.js';
import { notify } from '../store.js';
import { Dialog } from './dialog.js';
import { useLoad } from './load.js';
import { ProblemNote } from './states.js';
import { Text } from './text.js';

/** "`billing`", "`billing` and `mail`", "5 queues". */
function Places({ names }) {
  const distinct = [...new Set(names)];
  if (distinct.length > 3) return html`${distinct.length} queues and subscriptions`;
  return distinct.map((name, i) => html`${i === 0 ? '' : i === distinct.length - 1 ? ' and ' : ', '}<b class="name">
    <${Text} value=${name} max=${80} /></b>`);
}

const Progress = ({ done, of }) => of > 1 && done > 0 && html`<progress max=${of} value=${done}>${done} of ${of}
  </progress>
  <p class="faint small" role="status">${count(done)} of ${count(of)}</p>`;

export const FEW = 10; // of more, one goes first unless somebody says otherwise

/** How a job goes on: one first, and how fast. */
export const Pace = ({ canary, setCanary, rate, setRate }) => html`<label class="choice"><input type="checkbox"
  checked=${canary}
    onChange=${(e) => setCanary(e.target.checked)} /> One first, the others when it is acknowledged</label>
  <label class="choice">At most <input type="number" min="1" max="10000" value=${rate}
    onInput=${(e) => setRate(Math.max(1, Number(e.target.value) || 1))} /> a second</label>`;

/** Says how it went; what was refused stays in the dialog. */
function report({ good, refused }, verb, link) {
  if (good > 0) notify({ kind: 'good', text: `${some(good, 'case')} ${verb}.`, link });
  if (refused.size === 0) return;
  const [[code, { problem, ids }]] = refused;
  const others = refused.size > 1 ? ` and ${refused.size - 1} other reasons` : '';
  notify({ kind: 'bad', text: `${some(ids.length, 'case')} not ${verb}: ${code}: ${problem.message}${others}` });
}

/** `cases`: at least { id, subscription }. Many become a job where the broker has jobs. */
export function ReplayDialog({ cases, close, then }) {
  const [done, setDone] = useState(0);
  const [to, setTo] = useState('');
  const [keep, setKeep] = useState(false);
  const n = cases.length;
  const [canary, setCanary] = useState(n > FEW);
  const [rate, setRate] = useState(50);
  const asJob = n > 1 && can('createReplay');
  const redirects = !asJob && takesField('replayCase', 'to');
  const names = cases.map((one) => one.subscription);
  const act = async () => {
    if (asJob) {
      const job = await call('createReplay', { body: { ids: cases.map((one) => one.id), rate, canary: canary ? 1
        : 0 } });
      then?.();
      go(`/hospital/replays/${segment(job.id)}`);
      return;
    }
    const body = { ...(to && { to }), ...(keep && { keep_attempts: true }) };
    if (n === 1) {
      await replayOne(cases[0].id, body);
      notify({ kind: 'good', text: to ? `Case ${cases[0].id} went to ${to}.`
        : `Case ${cases[0].id} is on its way to ${cases[0].subscription}.` });
    } else {
      report(await forEachCase(cases.map((one) => one.id), (id) => replayOne(id, body), setDone), 'replayed');
    }
    then?.();
  };
  const title = n === 1 ? 'Replay this case' : `Replay ${some(n, 'case')}`;
  return html`<${Dialog} title=${title} confirm=${n === 1 ? 'Replay 1 case' : `Replay ${some(n, 'case')}`} act=${act}
    close=${close}
      disabled=${n === 0}>
    <p>Put ${some(n, 'case')} back on ${to ? html`<b class="name"><${Text} value=${to} /></b>` : html`<${Places}
      names=${names} />`};
      nobody else gets ${n === 1 ? 'it' : 'them'}.
      ${asJob && canary && ` First one alone; the others at ${count(rate)} a second once it is acknowledged.`}
      ${asJob && !canary && ` All at ${count(rate)} a second.`}
      ${!asJob && !keep && ` Failures are counted from zero again.`}
      ${!asJob && keep && ` Failures so far go on counting.`}</p>
    ${asJob && html`<${Pace} canary=${canary} setCanary=${setCanary} rate=${rate} setRate=${setRate} />`}
    ${redirects && html`<label class="field">Elsewhere than where it failed (optional)
      <input type="text" value=${to} placeholder="name of a queue or topic" autocomplete="off" spellcheck=${false}
        onInput=${(e) => setTo(e.target.value.trim())} /></label>`}
    ${!asJob && takesField('replayCase', 'keep_attempts') && html`<label class="choice"><input type="checkbox"
      checked=${keep}
      onChange=${(e) => setKeep(e.target.checked)} /> Go on counting its failures</label>`}
    <${Progress} done=${done} of=${n} />
  </${Dialog}>`;
}

/** Everything that matches a filter, as a job; what it would take is asked first. */
export function ReplayAllDialog({ filter, close }) {
  const [canary, setCanary] = useState(true);
  const [rate, setRate] = useState(50);
  const { data: rehearsal, problem } = useLoad((signal) => call('createReplay', { body: { filter, dry_run: true },
    signal }), [filter]);
  const total = rehearsal?.total ?? 0;
  const what = `${rehearsal?.at_least ? 'at least ' : ''}${some(total, 'case')}`;
  const act = async () => {
    const job = await call('createReplay', { body: { filter, rate, canary: canary ? 1 : 0 } });
    go(`/hospital/replays/${segment(job.id)}`);
  };
  return html`<${Dialog} title="Replay everything that matches" confirm=${rehearsal ? `Replay ${what}` : 'Replay'}
    act=${act} close=${close}
      disabled=${total === 0}>
    ${problem && html`<${ProblemNote} problem=${problem} />`}
    ${!rehearsal && !problem && html`<p role="status">Counting what would be replayed…</p>`}
    ${rehearsal && total === 0 && html`<p>No open case matches: there is nothing to replay.</p>`}
    ${total > 0 && html`<p>Put ${what} back where ${total === 1 ? 'it' : 'each'} failed; nobody else
      gets ${total === 1 ? 'it' : 'them'}. The set is chosen now: cases that come later are not in it.
      ${canary ? ` First one alone; the others at ${count(rate)} a second once it is acknowledged.`
        : ` All at ${count(rate)} a second.`}</p>`}
    <p class="filter-text">${filter ? html`<code><${Text} value=${filter} /></code>`
      : 'No filter: all open cases of the broker.'}</p>
    <${Pace} canary=${canary} setCanary=${setCanary} rate=${rate} setRate=${setRate} />
  </${Dialog}>`;
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

export function RestoreDialog({ cases: [one], close, then }) {
  const act = async () => {
    await restoreOne(one.id);
    notify({ kind: 'good', text: `Case ${one.id} is open again.` });
    then?.();
  };
  return html`<${Dialog} title="Restore this case" confirm="Restore 1 case" act=${act} close=${close}>
    <p>Open case ${one.id} of <${Places} names=${[one.subscription]} /> again. It is not delivered to anybody until it
      is replayed.</p>
  </${Dialog}>`;
}
