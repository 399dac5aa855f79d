// Quarantine rules: what goes straight to the hospital, why, until when, and what was caught.
import { html, useEffect, useRef, useState } from '../view.js';
import { call, can, useOperations } from '../api.js';
import { Heading } from '../components/heading.js';
import { Badge, Icon } from '../components/icons.js';
import { useKeys } from '../components/keys.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { AddQuarantineDialog, LiftQuarantineDialog } from '../components/quarantine_dialogs.js';
import { Matches } from '../components/rule.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { count, short, some } from '../format.js';
import { addressOf } from '../health.js';
import { casesOf } from '../quarantine.js';
import { go } from '../router.js';
import { useStore } from '../store.js';
import { NowherePlace } from './nowhere.js';

const LOOK_EVERY = 2;
const LISTED = 1000;
const tickOf = (state) => state.tick;
const queryOf = (state) => state.address.query;
const rowsOf = (state) => state.rows;

export function QuarantinePlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Quarantine" /><${Loading} what="what this broker can do" />`;
  return can('listQuarantines') ? html`<${Quarantine} />` : html`<${NowherePlace} />`;
}

/** What is listed stays where it is: a new rule comes last, one that has ended is marked until one leaves. */
function useRules(subscription) {
  const [rows, setRows] = useState([]);
  const listed = useRef(null); // of which subscription the rows are
  const { data, problem, look, again } = useLoad((signal) => call('listQuarantines', { query: { subscription,
    limit: LISTED }, signal }), [subscription]);
  useEffect(() => {
    if (!data) return;
    const fresh = new Map(data.items.map((rule) => [rule.id, rule]));
    setRows((old) => {
      const kept = listed.current === subscription ? old : [];
      const known = new Set(kept.map((rule) => rule.id));
      listed.current = subscription;
      return [...kept.map((rule) => fresh.get(rule.id) ?? (data.cursor ? rule : { ...rule, over: true })),
        ...data.items.filter((rule) => !known.has(rule.id))];
    });
  }, [data]);
  return { rows: data ? rows : [], problem, look, again, more: Boolean(data?.cursor), loading: !data && !problem };
}

const columns = (subjects, lift) => [
  { head: 'Messages', class: 'main', cell: (rule) => html`<${Matches} filter=${rule.filter} />
    <span class="sub faint"><${Line} value=${rule.reason} fallback="no reason given" /></span>` },
  { head: 'Subscription', card: 'of', class: 'medium', cell: (rule) => (subjects.has(rule.subscription)
    ? html`<a href=${addressOf(subjects.get(rule.subscription))}><${Line} value=${rule.subscription} max=${60} /></a>`
    : html`<${Line} value=${rule.subscription} max=${60} fallback="deleted" />`) },
  { head: 'Added', class: 'end time wide', cell: (rule) => html`<${Ago} at=${rule.created_at} />` },
  { head: 'Ends', class: 'end time', cell: (rule) => (rule.over ? html`<${Badge} icon="none">over</${Badge}>`
    : html`<${Ago} at=${rule.until} fallback="when lifted" />`) },
  { head: 'Caught', class: 'end', cell: (rule) => (rule.caught_total > 0 ? html`<a href=${casesOf(rule)}
    class="strong">${short(rule.caught_total)}</a>` : html`<span class="faint">0</span>`) },
  { head: html`<span class="unseen">Actions</span>`, card: 'Actions', class: 'tools end', cell: (rule) =>
    (!rule.over || rule.caught_total > 0) && html`<button type="button" class="quiet"
      onClick=${() => lift(rule, rule.over)}>${rule.over ? 'Replay…' : 'Lift…'}</button>` },
];

function Quarantine() {
  const tick = useStore(tickOf);
  const subjects = useStore(rowsOf);
  const subscription = useStore(queryOf).get('subscription') ?? '';
  const rules = useRules(subscription);
  const [dialog, setDialog] = useState(null);
  const [at, setAt] = useState(null);
  useEffect(() => { if (tick % LOOK_EVERY === 0 && !dialog) rules.look(); }, [tick]);
  const add = () => setDialog({ what: 'add' });
  const lift = (rule, replay) => setDialog({ what: 'lift', rule, replay });
  const here = rules.rows.find((rule) => rule.id === at);
  useKeys({
    n: () => (can('addQuarantine') ? add() : false),
    l: () => (here && !here.over ? lift(here, false) : false),
    r: () => (here ? lift(here, true) : false),
  });
  const follow = (event) => {
    const index = event.target.closest?.('tr')?.dataset.index;
    setAt(rules.rows[index]?.id ?? null);
  };
  const close = () => setDialog(null);
  return html`<${Heading} title="Quarantine" /><${HospitalTabs} />
    ${rules.problem && html`<${ProblemNote} problem=${rules.problem} again=${rules.again} />`}
    ${rules.loading && html`<${Loading} what="quarantine rules" />`}
    ${!rules.loading && html`<div class="list-head"><span class="faint small" role="status">
        ${rules.rows.length > 0 && some(rules.rows.length, 'rule')}${subscription && html` of <${Text}
          value=${subscription} max=${60} />. <a href="/hospital/quarantine">Show all</a>`}</span>
      <span class="grow"></span>
      ${can('addQuarantine') && html`<button type="button" onClick=${add}><${Icon} name="case" />Quarantine
        messages…</button>`}</div>`}
    ${!rules.loading && !rules.problem && rules.rows.length === 0 && html`<${Empty} title="Nothing is in quarantine">
      A rule sends messages that match straight to the hospital, before anybody gets them, until it is lifted or its
      time is over. For messages that do harm, while somebody looks why.</${Empty}>`}
    ${rules.rows.length > 0 && html`<div onFocusIn=${follow}><${List} label="Quarantine rules" rows=${rules.rows}
      columns=${columns(subjects, lift)} id=${(rule) => rule.id} address=${casesOf}
      open=${(rule) => go(casesOf(rule))} rowHeight=${56} cardHeight=${168} /></div>`}
    ${rules.more && html`<p class="faint">Only the first ${count(LISTED)} are shown. The others:${' '}
      <code>lazaret hospital quarantine list</code>.</p>`}
    ${dialog?.what === 'add' && html`<${AddQuarantineDialog} subscription=${subscription} close=${close}
      then=${rules.again} />`}
    ${dialog?.what === 'lift' && html`<${LiftQuarantineDialog} rule=${dialog.rule} replay=${dialog.replay}
      close=${close} then=${rules.again} />`}`;
}
