// What is the one cause behind these thousand failures? Groups: cases of one cause are one line.
import { html, useEffect, useRef, useState } from '../view.js';
import { call, can, useOperations } from '../api.js';
import { Bars } from '../components/chart.js';
import { FilterField } from '../components/filter_field.js';
import { GroupDialog } from '../components/group_dialog.js';
import { Heading } from '../components/heading.js';
import { useKeys } from '../components/keys.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { OwnerLines } from '../components/owner.js';
import { ReplayAllDialog } from '../components/replay_dialogs.js';
import { Snoozed } from '../components/snooze.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Line } from '../components/text.js';
import { Ago } from '../components/time.js';
import { term } from '../filter.js';
import { firstSeenWith, hasSnooze, openOf, trendOf } from '../group.js';
import { short } from '../format.js';
import { go, to } from '../router.js';
import { useStore } from '../store.js';
import { CasesPlace } from './cases.js';

const SORTS = [['count', 'Most cases'], ['last_seen', 'Last seen'], ['first_seen', 'First seen']];
const LOOK_EVERY = 5;

const queryOf = (state) => state.address.query;
const tickOf = (state) => state.tick;
const casesOf = (group) => to('/hospital/cases', { filter: `${term('group', group.id)} state=admitted` });

function columns(ask) {
  return [
    { head: 'Cause', class: 'main', cell: (group) => html`<span class="two"><${Line}
      value=${group.error_type ?? 'no error was reported'} class="strong" max=${80} />
      <${Line} value=${group.error_text} fallback="no text" class="faint" /></span>
      ${hasSnooze(group) && html`<span class="sub faint"><${Snoozed} group=${group} /></span>`}
      <span class="sub faint"><${Line} value=${group.subscription} max=${60} />${group.type && html` · <${Line}
        value=${group.type} max=${60} />`}
        ${firstSeenWith(group) && html` · first seen with <${Line} value=${firstSeenWith(group)} max=${60} />`}
          </span>` },
    { head: 'Open', class: 'end', cell: (group) => html`<b class=${openOf(group) > 0 ? 'bad' : 'faint'}>
      ${short(openOf(group))}</b>` },
    { head: 'Last day', class: 'chart wide', cell: (group) => html`<${Bars} values=${trendOf(group)}
      label="Admissions an hour, the last day" />` },
    { head: 'First seen', class: 'end time wide', cell: (group) => html`<${Ago} at=${group.first_seen_at} />` },
    { head: 'Last seen', class: 'end time', cell: (group) => html`<${Ago} at=${group.last_seen_at} />` },
    { head: 'Owner', class: 'owner', cell: (group) => html`<${OwnerLines} group=${group} />` },
    { head: html`<span class="unseen">Actions</span>`, card: 'Actions', class: 'end tools', cell: (group) => html`
      ${can('createReplay') && openOf(group) > 0 && html`<button type="button" class="quiet" onClick=${() =>
        ask('replay', group)}>Replay…</button>`}
      ${can('patchGroup') && html`<button type="button" class="quiet" onClick=${() => ask('edit', group)}>Notes…
        </button>`}` },
  ];
}

function useGroups(filter, sort) {
  const [rows, setRows] = useState([]);
  const [cursor, setCursor] = useState(null);
  const listed = useRef(null); // of which filter and order the rows are
  const query = { filter, sort };
  const key = `${sort} ${filter}`;
  const { data, problem, look, again } = useLoad((signal) => call('listGroups', { query: { ...query, limit: 100 },
    signal }), [key]);
  useEffect(() => {
    if (!data) return;
    if (listed.current !== key || rows.length === 0) {
      listed.current = key;
      setRows(data.items);
      setCursor(data.cursor);
      return;
    }
    // What is listed stays where it is; its numbers change.
    const newest = new Map(data.items.map((group) => [group.id, group]));
    setRows((old) => old.map((group) => newest.get(group.id) ?? group));
  }, [data]);
  const known = new Set(rows.map((group) => group.id));
  const fresh = data && listed.current === key ? data.items.filter((group) => !known.has(group.id)).length : 0;
  const show = () => {
    setRows(data.items);
    setCursor(data.cursor);
  };
  const more = async () => {
    if (!cursor) return;
    setCursor(null);
    const page = await call('listGroups', { query: { ...query, cursor, limit: 100 } }).catch(() => null);
    if (!page) return;
    setRows((old) => [...old, ...page.items]);
    setCursor(page.cursor);
  };
  return { rows, problem, look, again, more, fresh, show, loading: data === undefined && !problem };
}

export function HospitalPlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Hospital" /><${Loading} what="what this broker can do" />`;
  return can('listGroups') ? html`<${Groups} />` : html`<${CasesPlace} />`;
}

function Groups() {
  const query = useStore(queryOf);
  const tick = useStore(tickOf);
  const filter = query.get('filter') ?? '';
  const sort = query.get('sort') ?? 'count';
  const groups = useGroups(filter, sort);
  const [dialog, setDialog] = useState(null);
  const [at, setAt] = useState(null);
  useEffect(() => { if (tick % LOOK_EVERY === 0 && !dialog) groups.look(); }, [tick]);
  const move = (change) => go(to('/hospital', { filter, sort: sort === 'count' ? '' : sort, ...change }));
  const ask = (what, group) => setDialog({ what, group });
  useKeys({ r: () => (at && can('createReplay') && openOf(at) > 0 ? ask('replay', at) : false) });
  return html`<${Heading} title="Hospital" /><${HospitalTabs} />
    <${FilterField} filter=${filter} setFilter=${(text) => move({ filter: text })}
      problem=${groups.problem?.code === 'BAD_REQUEST' ? groups.problem : null}
      hint="Cases of one cause are one line." />
    ${groups.problem && groups.problem.code !== 'BAD_REQUEST' && html`<${ProblemNote} problem=${groups.problem}
      again=${groups.again} />`}
    ${groups.loading && html`<${Loading} what="groups" />`}
    ${!groups.loading && !groups.problem && groups.rows.length === 0 && html`<${Empty} title=${filter
      ? 'No group matches' : 'The hospital is empty'}>
      ${filter ? html`Take a term away, or <a href="/hospital">show all groups</a>.`
        : 'When messages fail for good, each cause appears here as one line.'}</${Empty}>`}
    ${groups.fresh > 0 && html`<button type="button" class="fresh" onClick=${groups.show}>${groups.fresh} new</button>`}
    ${groups.rows.length > 0 && html`
      <div class="list-head"><label class="small">Sort by <select value=${sort} onChange=${(e) =>
        move({ sort: e.target.value === 'count' ? '' : e.target.value })}>
        ${SORTS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
          </div>
      <div onFocusIn=${(e) => setAt(groups.rows[e.target.closest('[data-index]')?.dataset.index] ?? null)}>
      <${List} label="Groups" rows=${groups.rows} columns=${columns(ask)} id=${(group) => group.id} address=${casesOf}
        open=${(group) => go(casesOf(group))} onEnd=${groups.more} rowHeight=${80} cardHeight=${236} /></div>`}
    ${dialog?.what === 'replay' && html`<${ReplayAllDialog} filter=${term('group', dialog.group.id)}
      close=${() => setDialog(null)} />`}
    ${dialog?.what === 'edit' && html`<${GroupDialog} group=${dialog.group} close=${() => setDialog(null)}
      then=${groups.again} />`}`;
}
