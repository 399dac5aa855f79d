// Cases, the newest first: filtered by the address, read page by page as one scrolls, and what can be done with those
// that are selected, or with everything that matches.
import { html, useEffect, useRef, useState } from '../view.js';
import { caseQuery, countCases } from '../actions.js';
import { call, can, useOperations } from '../api.js';
import { DiscardDialog, ManyDialog, RestoreDialog } from '../components/case_dialogs.js';
import { FilterField } from '../components/filter_field.js';
import { Heading } from '../components/heading.js';
import { CaseState } from '../components/icons.js';
import { useKeys } from '../components/keys.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { ReplayAllDialog, ReplayDialog } from '../components/replay_dialogs.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Line } from '../components/text.js';
import { Ago } from '../components/time.js';
import { valueOf } from '../filter.js';
import { count, some, words } from '../format.js';
import { go, segment, to } from '../router.js';
import { useStore } from '../store.js';

const PAGE = 100;
const LATER_PAGES = 500; // whoever scrolls wants many
const LOOK_EVERY = 3; // events: about so many seconds between two looks for new cases

const queryOf = (state) => state.address.query;
const tickOf = (state) => state.tick;
const addressOf = (one) => `/hospital/cases/${segment(one.id)}`;
const isOpen = (one) => one.state === 'admitted';
const isDiscarded = (one) => one.state === 'discarded';

/** The pages that were read, the rest on demand, and what has come since. */
function usePages(filter) {
  const { query, problem: refused } = caseQuery(filter);
  const [rows, setRows] = useState([]);
  const [cursor, setCursor] = useState(null);
  const [fresh, setFresh] = useState(null); // a first page with rows that are not listed yet
  const busy = useRef(false);
  const looking = useRef(false);
  const key = JSON.stringify(query);
  const { data, problem, again } = useLoad(
    (signal) => (query ? call('listCases', { query: { ...query, limit: PAGE }, signal })
      : Promise.resolve({ items: [], cursor: null })), [key]);
  useEffect(() => {
    if (!data) return;
    setRows(data.items);
    setCursor(data.cursor);
    setFresh(null);
  }, [data]);

  const more = async () => {
    if (!cursor || busy.current) return;
    busy.current = true;
    try {
      const page = await call('listCases', { query: { ...query, cursor, limit: LATER_PAGES } });
      setRows((old) => [...old, ...page.items]);
      setCursor(page.cursor);
    } catch {
      // The button under the list asks again.
    }
    busy.current = false;
  };
  // A broker that had to look at very many cases answers with what it has found so far.
  const searching = cursor !== null && rows.length === 0;
  useEffect(() => { if (searching) more(); }, [cursor]);
  /** Changes what is listed in its place; what is new waits. */
  const look = async () => {
    if (looking.current || !query || !data) return;
    looking.current = true;
    try {
      const page = await call('listCases', { query: { ...query, limit: PAGE } });
      const newest = new Map(page.items.map((one) => [one.id, one]));
      setRows((old) => (old.some((one) => newest.has(one.id) && differs(one, newest.get(one.id)))
        ? old.map((one) => newest.get(one.id) ?? one) : old));
      const known = new Set(rows.map((one) => one.id));
      const unknown = page.items.filter((one) => !known.has(one.id));
      setFresh(unknown.length > 0 ? { page, n: unknown.length } : null);
    } catch {
      // The link says that the broker is away.
    }
    looking.current = false;
  };
  const show = () => {
    setRows(fresh.page.items);
    setCursor(fresh.page.cursor);
    setFresh(null);
  };
  const first = data !== undefined;
  return { rows, more, look, again, fresh: fresh?.n ?? 0, show, done: first && !cursor, loading: (!first && !problem)
    || searching, problem: refused ?? problem };
}

const differs = (a, b) => a.state !== b.state || a.attempt_count !== b.attempt_count || a.admitted_at !== b.admitted_at;

const COLUMNS = [
  { head: 'Error', class: 'main', cell: (one) => html`<${Line} value=${one.error_type ?? words(one.reason)}
    class="strong" max=${80} />
    <span class="sub faint"><${Line} value=${one.error_message} fallback=${one.error_type ? 'no text'
      : 'no error was reported'} /></span>` },
  { head: 'State', class: 'state', cell: (one) => html`<${CaseState} state=${one.state} />` },
  { head: 'Subscription', class: 'medium', cell: (one) => html`<${Line} value=${one.subscription} max=${60} />` },
  { head: 'Type', class: 'medium wide', cell: (one) => html`<${Line} value=${one.type} max=${60} />` },
  { head: 'Key', class: 'small-column wide', cell: (one) => html`<${Line} value=${one.key} max=${40} />` },
  { head: 'Attempts', class: 'end wide', cell: (one) => count(one.attempt_count) },
  { head: 'Relapses', class: 'end wide', cell: (one) => (one.relapse_count > 0 ? html`<span class="bad strong">
    ${count(one.relapse_count)}</span>` : html`<span class="faint">0</span>`) },
  { head: 'Admitted', class: 'end time', cell: (one) => html`<${Ago} at=${one.admitted_at} />` },
];

const EMPTY = 'A message comes here when its attempts are used up, when it kills its workers, or when a worker rejects '
  + 'it.';
const QUICK = [
  { field: 'state', value: 'admitted', text: 'open' },
  { field: 'state', value: 'replaying', text: 'replaying' },
  { field: 'state', value: 'discharged', text: 'discharged' },
  { field: 'state', value: 'discarded', text: 'discarded' },
];

function SelectionBar({ chosen, clear, ask }) {
  if (chosen.length === 0) return null;
  const open = chosen.filter(isOpen);
  const discarded = chosen.filter(isDiscarded);
  return html`<div class="bar" role="region" aria-label="What is selected">
    <span><b>${some(chosen.length, 'case')}</b> selected${open.length < chosen.length
      ? `, ${count(open.length)} of them open` : ''}</span>
    <span class="grow"></span>
    ${open.length > 0 && html`<button type="button" class="primary" onClick=${() =>
        ask('replay')}>Replay ${count(open.length)}</button>
      <button type="button" class="grave" onClick=${() => ask('discard')}>Discard ${count(open.length)}</button>`}
    ${discarded.length > 0 && can('restoreCase') && html`<button type="button" class=${open.length > 0 ? ''
      : 'primary'} onClick=${() => ask('restore')}>Restore ${count(discarded.length)}</button>`}
    <button type="button" class="quiet" onClick=${clear}>Clear</button>
  </div>`;
}

function numberText(pages, matching) {
  if (pages.done) return some(pages.rows.length, 'case');
  if (matching === null) return `the newest ${count(pages.rows.length)}; scroll for more`;
  return `${matching.more ? 'at least ' : ''}${some(matching.count, 'case')}`;
}

export function CasesPlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Cases" /><${Loading} what="what this broker can do" />`;
  return html`<${CaseList} />`;
}

function CaseList() {
  const filter = useStore(queryOf).get('filter') ?? '';
  const tick = useStore(tickOf);
  const pages = usePages(filter);
  const [selection, setSelection] = useState(new Set());
  const [dialog, setDialog] = useState(null);
  const [matching, setMatching] = useState(null);
  const [changes, setChanges] = useState(0);
  const state = valueOf(filter, 'state');
  useEffect(() => setSelection(new Set()), [filter]);
  useEffect(() => { if (tick % LOOK_EVERY === 0) pages.look(); }, [tick]);
  useEffect(() => {
    let here = true;
    setMatching(null);
    if (!filter && !can('countCases')) return undefined;
    countCases(filter).then((n) => { if (here) setMatching(n); }, () => {});
    return () => { here = false; };
  }, [filter, changes]);

  const chosen = pages.rows.filter((one) => selection.has(one.id));
  const setFilter = (text) => go(to('/hospital/cases', { filter: text }));
  const ask = (what) => { if (chosen.some(what === 'restore' ? isDiscarded : isOpen)) setDialog(what); };
  const after = () => {
    setSelection(new Set());
    pages.look();
  };
  const afterMany = () => {
    setSelection(new Set());
    setChanges((n) => n + 1);
    pages.again();
  };
  useKeys({ r: () => (chosen.length ? ask('replay') : false), d: () => (chosen.length ? ask('discard') : false) });

  return html`<${Heading} title="Cases" /><${HospitalTabs} />
    <${FilterField} filter=${filter} setFilter=${setFilter} problem=${pages.problem?.code === 'BAD_REQUEST'
      ? pages.problem : null}
      quick=${QUICK} hint="Terms with spaces between them; all must hold." />
    ${pages.problem && pages.problem.code !== 'BAD_REQUEST' && html`<${ProblemNote} problem=${pages.problem}
      again=${pages.again} />`}
    ${pages.loading && html`<${Loading} what="cases" />`}
    ${!pages.loading && !pages.problem && pages.rows.length === 0 && html`<${Empty} title=${filter ? 'No case matches'
      : 'The hospital is empty'}>
      ${filter ? html`Take a term away, or <a href="/hospital/cases">show all cases</a>.`
        : EMPTY}</${Empty}>`}
    ${pages.fresh > 0 && html`<button type="button" class="fresh" onClick=${pages.show}>
      ${count(pages.fresh)}${pages.fresh === PAGE ? ' or more' : ''} new</button>`}
    ${pages.rows.length > 0 && html`
      <div class="list-head"><span class="faint small" role="status">${numberText(pages, matching)}</span>
        <span class="grow"></span>
        ${can('createReplay') && html`<button type="button" class="quiet" onClick=${() => setDialog('all')}>Replay
          everything that matches…</button>`}
        ${can('discardCases') && (!state || state === 'admitted') && html`<button type="button" class="quiet"
          onClick=${() => setDialog('discardAll')}>Discard everything that matches…</button>`}
        ${can('restoreCases') && state === 'discarded' && html`<button type="button" class="quiet"
          onClick=${() => setDialog('restoreAll')}>Restore everything that matches…</button>`}</div>
      <${List} label="Cases" rows=${pages.rows} columns=${COLUMNS} id=${(one) => one.id} address=${addressOf}
        open=${(one) => go(addressOf(one))} selection=${selection} setSelection=${setSelection} onEnd=${pages.more}
        rowHeight=${56} cardHeight=${132} />
      ${!pages.done && html`<button type="button" class="quiet" onClick=${pages.more}>Read on</button>`}`}
    <${SelectionBar} chosen=${chosen} clear=${() => setSelection(new Set())} ask=${ask} />
    ${dialog === 'replay' && html`<${ReplayDialog} cases=${chosen.filter(isOpen)} close=${() => setDialog(null)}
      then=${after} />`}
    ${dialog === 'discard' && html`<${DiscardDialog} cases=${chosen.filter(isOpen)} close=${() => setDialog(null)}
      then=${after} />`}
    ${(dialog === 'discardAll' || dialog === 'restoreAll') && html`<${ManyDialog} filter=${filter}
      verb=${dialog === 'discardAll' ? 'discard' : 'restore'} close=${() => setDialog(null)} then=${afterMany} />`}
    ${dialog === 'restore' && html`<${RestoreDialog} cases=${chosen.filter(isDiscarded)}
      close=${() => setDialog(null)} then=${after} />`}
    ${dialog === 'all' && html`<${ReplayAllDialog} filter=${filter} close=${() => setDialog(null)} />`}`;
}
