// The dialogs of replays: one case, several that were chosen, everything that matches. Each says how many and where to,
// what will happen, and what the broker says to it before anything is done; a job ends on the page that shows it.
import { html, useState } from '../view.js';
import { caseQuery, forEachCase, replayOne } from '../actions.js';
import { call, can } from '../api.js';
import { count, some } from '../format.js';
import { fieldsOf, mannerFor } from '../manner.js';
import { go, segment } from '../router.js';
import { notify } from '../store.js';
import { Places, Progress, report } from './case_dialogs.js';
import { Dialog } from './dialog.js';
import { useLoad } from './load.js';
import { ForVersion, ForceField, Manner, Mistake, Said, VersionField, useMistake } from './manner.js';
import { ProblemNote } from './states.js';
import { Text } from './text.js';

const LOOKED_AT = 100; // cases, for where they are to go

/** Makes the job, says so, and goes to where it is shown. */
export async function beginJob(chosen, manner) {
  const job = await call('createReplay', { body: { ...chosen, ...fieldsOf(manner) } });
  notify({ kind: 'good', text: `Replay ${job.id} is made. What it does is shown here.` });
  go(`/hospital/replays/${segment(job.id)}`);
}

/** `cases`: at least { id, subscription }. */
export function ReplayDialog(given) {
  return given.cases.length === 1 || !can('createReplay') ? html`<${ReplayOneByOne} ...${given} />`
    : html`<${ReplaySome} ...${given} />`;
}

/** One, with what a job cannot say of many; for a version it waits, as a job of one. */
function ReplayOneByOne({ cases, close, then }) {
  const [done, setDone] = useState(0);
  const [to, setTo] = useState('');
  const [keep, setKeep] = useState(false);
  const [manner, setManner] = useState(mannerFor(1));
  const mistake = useMistake(manner);
  const n = cases.length;
  const range = to ? '' : manner.afterVersion.trim();
  const names = cases.map((one) => one.subscription);
  const act = async () => {
    if (range) {
      await beginJob({ ids: cases.map((one) => one.id) }, manner);
      then?.();
      return;
    }
    const body = { ...(to ? { to } : keep && { keep_attempts: true }), ...(manner.force && { force: true }) };
    if (n === 1) {
      await replayOne(cases[0].id, body);
      notify({ kind: 'good', text: to ? `Case ${cases[0].id} went to ${to}.`
        : `Case ${cases[0].id} is on its way to ${cases[0].subscription}.` });
    } else {
      report(await forEachCase(cases.map((one) => one.id), (id) => replayOne(id, body), setDone), 'replayed');
    }
    then?.();
  };
  return html`<${Dialog} title=${n === 1 ? 'Replay this case' : `Replay ${some(n, 'case')}`}
    confirm=${`Replay ${some(n, 'case')}`} act=${act} close=${close} disabled=${n === 0 || (range && mistake)}>
    <p>Put ${some(n, 'case')} back on ${to ? html`<b class="name"><${Text} value=${to} /></b>` : html`<${Places}
      names=${names} />`}; nobody else gets ${n === 1 ? 'it' : 'them'}.
      ${range ? html` <${ForVersion} range=${range} many=${n > 1} />`
        : keep && !to ? ' Failures so far go on counting.' : ' Failures are counted from zero again.'}
      ${manner.force && ' Also if it is a request that was answered meanwhile.'}</p>
    <label class="field">Elsewhere than where it failed (optional)
      <input type="text" value=${to} placeholder="name of a queue or topic" autocomplete="off" spellcheck=${false}
        onInput=${(e) => setTo(e.target.value.trim())} /></label>
    ${!to && can('createReplay') && html`<${VersionField} manner=${manner} change=${setManner} names=${names}
      mistake=${mistake} /><${Mistake} mistake=${mistake} />`}
    ${!to && !range && html`<label class="choice long"><input type="checkbox" checked=${keep}
      onChange=${(e) => setKeep(e.target.checked)} /><span>Go on counting its failures</span></label>`}
    <${ForceField} manner=${manner} change=${setManner} />
    <${Progress} done=${done} of=${n} />
  </${Dialog}>`;
}

const Elsewhere = ({ manner }) => html`<b class="name"><${Text} value=${manner.to.trim()} max=${80} /></b>, which closes
  ${' '}their cases`;

function ReplaySome({ cases, close, then }) {
  const n = cases.length;
  const ids = cases.map((one) => one.id);
  const [manner, setManner] = useState(mannerFor(n));
  const mistake = useMistake(manner);
  const { data: rehearsal, problem, again } = useLoad((signal) => call('createReplay', { body: { ids, dry_run: true },
    signal }), []);
  const closed = rehearsal ? n - rehearsal.total : 0;
  const names = cases.map((one) => one.subscription);
  const act = async () => {
    await beginJob({ ids }, manner);
    then?.();
  };
  return html`<${Dialog} title=${`Replay ${some(n, 'case')}`} confirm=${`Replay ${some(n, 'case')}`} act=${act}
    close=${close} disabled=${n === 0 || mistake || problem?.isRefusal}>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    <p>Put ${some(n, 'case')} ${manner.to.trim() ? html`on <${Elsewhere} manner=${manner} />`
      : html`back on <${Places} names=${names} />`}; nobody else gets them.
      <${Said} manner=${manner} />${closed > 0 && ` ${count(closed)} of them ${closed === 1 ? 'is' : 'are'} not open any
        more, and will be refused.`}</p>
    <${Manner} manner=${manner} change=${setManner} names=${names} mistake=${mistake} elsewhere />
  </${Dialog}>`;
}

/** Where the newest that match have failed. */
async function placesOf(filter, signal) {
  const { query } = caseQuery(`${filter} state=admitted`.trim());
  if (!query) return [];
  const page = await call('listCases', { query: { ...query, limit: LOOKED_AT }, signal });
  return [...new Set(page.items.map((one) => one.subscription))];
}

/** Everything that matches a filter, as a job; what it would take is asked first. */
export function ReplayAllDialog({ filter, close }) {
  const [manner, setManner] = useState(mannerFor(Infinity));
  const mistake = useMistake(manner);
  const { data: rehearsal, problem, again } = useLoad((signal) => call('createReplay', {
    body: { filter, dry_run: true }, signal }), [filter]);
  const { data: names } = useLoad((signal) => placesOf(filter, signal), [filter]);
  const total = rehearsal?.total ?? 0;
  const more = Boolean(rehearsal?.at_least); // with none so far, there may be some all the same
  const what = total === 0 ? 'all that match' : `${more ? 'at least ' : ''}${some(total, 'case')}`;
  const any = total > 0 || more;
  return html`<${Dialog} title="Replay everything that matches" confirm=${any ? `Replay ${what}` : 'Replay'}
    act=${() => beginJob({ filter }, manner)} close=${close} disabled=${!any || mistake}>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!rehearsal && !problem && html`<p role="status">Counting what would be replayed…</p>`}
    ${rehearsal && !any && html`<p>No open case matches: there is nothing to replay.</p>`}
    ${any && html`<p>Put ${what} ${manner.to.trim() ? html`on <${Elsewhere} manner=${manner} />`
      : `back where ${total === 1 && !more ? 'it' : 'each'} failed`}; nobody else
      gets ${total === 1 && !more ? 'it' : 'them'}. The set is chosen now: cases that come later are not in it.
      <${Said} manner=${manner} />${total === 0 && ' How many match is not known yet: there are too many others.'}</p>`}
    <p class="filter-text">${filter ? html`<code><${Text} value=${filter} /></code>`
      : 'No filter: all open cases of the broker.'}</p>
    <${Manner} manner=${manner} change=${setManner} names=${names ?? []} mistake=${mistake} elsewhere />
  </${Dialog}>`;
}
