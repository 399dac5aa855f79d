// Is anything wrong right now? One row per queue and subscription, worst first, live.
import { html, useEffect, useMemo, useRef, useState } from '../view.js';
import { call } from '../api.js';
import { HourChart } from '../components/chart.js';
import { Heading } from '../components/heading.js';
import { Badge, Icon } from '../components/icons.js';
import { List } from '../components/list.js';
import { useLoad } from '../components/load.js';
import { Empty, Loading } from '../components/states.js';
import { Line, Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { count, rate, short, some } from '../format.js';
import { addressOf, healthOf, percentKept } from '../health.js';
import { go, segment, to } from '../router.js';
import { brokerNow, useStore } from '../store.js';
import { term } from '../filter.js';

const rowsOf = (state) => state.rows;
const ratesOf = (state) => state.rates;
const historiesOf = (state) => state.histories;
const warningsOf = (state) => state.warnings;
const moreOf = (state) => state.more;
const linkOf = (state) => state.link.state;

const casesOf = (name) => to('/hospital/cases', { filter: `${term('subscription', name)} state=admitted` });

/** Worst first; of two that are as bad, the one with more cases, then by name. */
function sorted(rows) {
  const now = brokerNow();
  return [...rows.values()].map((row) => ({ row, health: healthOf(row, now) }))
    .sort((a, b) => b.health.rank - a.health.rank || b.row.in_hospital - a.row.in_hospital || (a.row.name < b.row.name
      ? -1 : 1))
    .map(({ row }) => row.name);
}

/** The order of the rows. It does not change under the pointer or the focus; `stale` then says that it would. */
function useOrder(rows) {
  const [order, setOrder] = useState(() => sorted(rows));
  const held = useRef(false);
  const fresh = sorted(rows);
  const differs = fresh.length !== order.length || fresh.some((name, i) => name !== order[i]);
  useEffect(() => { if (differs && !held.current) setOrder(fresh); });
  const hold = (on) => { held.current = on; };
  const known = order.filter((name) => rows.has(name));
  return { order: known.map((name) => rows.get(name)), stale: differs && held.current, sort: () => setOrder(fresh),
    hold };
}

function Strip({ rows, warnings }) {
  const now = brokerNow();
  const bad = [...rows.values()].map((row) => ({ row, health: healthOf(row, now) }))
    .filter(({ health }) => health.rank >= 4).sort((a, b) => b.health.rank - a.health.rank);
  if (bad.length === 0 && warnings.length === 0) return null;
  return html`<section class="strip" aria-label="What is wrong">
    ${bad.slice(0, 3).map(({ row, health }) => html`<p key=${row.name} class=${health.tone}><${Icon}
      name=${health.icon} />
      <span><${Text} value=${health.sentence} max=${400} /> <a href=${addressOf(row)}>See why</a></span></p>`)}
    ${bad.length > 3 && html`<p class="warn"><span class="icon"></span><span>And ${bad.length - 3} more below.</span>
      </p>`}
    ${warnings.map((text) => html`<p key=${text} class="warn"><${Icon} name="warn" /><span><${Text} value=${text}
      max=${300} /></span></p>`)}
  </section>`;
}

function Numbers({ rows, rates }) {
  let open = 0, backlog = 0, incoming = 0, outgoing = 0;
  for (const row of rows.values()) {
    open += row.in_hospital;
    backlog += row.ready + row.leased + row.waiting + row.held;
    incoming += rates.get(row.name)?.in ?? 0;
    outgoing += rates.get(row.name)?.out ?? 0;
  }
  return html`<dl class="numbers">
    <div><dt>Open cases</dt><dd class=${open > 0 ? 'bad' : ''}><a href=${to('/hospital')}>${short(open)}</a></dd></div>
    <div><dt>Not settled</dt><dd>${short(backlog)}</dd></div>
    <div><dt>In per second</dt><dd>${rate(incoming)}</dd></div>
    <div><dt>Out per second</dt><dd>${rate(outgoing)}</dd></div>
  </dl>`;
}

function columns(rates, histories) {
  const now = brokerNow();
  return [
    { head: 'Name', class: 'main', cell: (row) => html`<${Line} value=${row.name} class="strong" />${(row.topic
      || row.owner) && html`<span class="sub faint">${row.topic && html`of <${Line} value=${row.topic} max=${60} />`}
        ${row.owner && html`<${Line} value=${row.owner} max=${40} />`}</span>`}` },
    { head: 'State', class: 'state', cell: (row) => {
      const health = healthOf(row, now);
      return html`<${Badge} tone=${health.tone} icon=${health.icon}>${health.word}</${Badge}>`;
    } },
    { head: 'Ready', class: 'end', cell: (row) => short(row.ready + row.held) },
    { head: 'Leased', class: 'end', cell: (row) => short(row.leased) },
    { head: 'Retrying', class: 'end wide', cell: (row) => short(row.waiting) },
    { head: 'In/s', class: 'end', cell: (row) => rate(rates.get(row.name)?.in) },
    { head: 'Out/s', class: 'end', cell: (row) => rate(rates.get(row.name)?.out) },
    { head: 'Failed/min', class: 'end wide', title: 'Attempts that failed in the last full minute', cell: (row) => {
      const failed = histories.get(row.name)?.failed?.at(-1) ?? 0;
      return html`<span class=${failed > 0 ? 'bad' : 'faint'}>${short(failed)}</span>`;
    } },
    { head: 'Last hour', class: 'chart wide', cell: (row) => html`<${HourChart} area=${histories.get(row.name)?.entered}
      line=${histories.get(row.name)?.acked} label="Messages a minute" />` },
    { head: 'Oldest', class: 'end', title: 'How long the oldest ready message has waited',
      cell: (row) => html`<${Ago} at=${row.oldest_ready_at} suffix=${false} />` },
    { head: 'Workers', class: 'end wider', cell: (row) => count(row.consumer_count) },
    { head: 'Cases', class: 'end', cell: (row) => html`${row.in_hospital > 0
      ? html`<a href=${casesOf(row.name)} class="bad strong">${short(row.in_hospital)}</a>` : html`<span
        class="faint">0</span>`}${row.hospital_level !== 'below' && html`<span class="sub budget ${row.hospital_level}"
        title="How much of its byte budget the hospital keeps">${percentKept(row)}% full</span>`}` },
  ];
}

function Topics() {
  const { data } = useLoad((signal) => call('listTopics', { query: { limit: 100 }, signal }), []);
  if (!data?.items.length) return null;
  return html`<section><h2>Topics</h2><ul class="tiles">${data.items.map((topic) => html`<li key=${topic.name}>
    <a href=${`/topics/${segment(topic.name)}`}><${Line} value=${topic.name} class="strong" /></a>
    <span class="faint small">${some(topic.subscriptions, 'subscription')}, ${short(topic.published_total)} published
      </span></li>`)}</ul></section>`;
}

export function OverviewPlace() {
  const rows = useStore(rowsOf);
  const rates = useStore(ratesOf);
  const histories = useStore(historiesOf);
  const warnings = useStore(warningsOf);
  const more = useStore(moreOf);
  const link = useStore(linkOf);
  const { order, stale, sort, hold } = useOrder(rows);
  const shown = useMemo(() => columns(rates, histories), [rates, histories]);
  if (rows.size === 0) {
    return html`<${Heading} title="Overview" />${link === 'live'
      ? html`<${Empty} title="No queue yet">Create one: <code>lazaret queue create orders</code>, and it appears here.
        </${Empty}>`
      : html`<${Loading} what="the overview" />`}<${Topics} />`;
  }
  return html`<${Heading} title="Overview" />
    <${Strip} rows=${rows} warnings=${warnings} />
    <${Numbers} rows=${rows} rates=${rates} />
    ${stale && html`<button type="button" class="fresh" onClick=${sort}>The order has changed: sort again</button>`}
    <div onMouseEnter=${() => hold(true)} onMouseLeave=${() => hold(false)} onFocusIn=${() => hold(true)}
      onFocusOut=${() => hold(false)}>
      <${List} label="Queues and subscriptions" rows=${order} columns=${shown} id=${(row) => row.name}
        address=${addressOf}
        open=${(row) => go(addressOf(row))} cardHeight=${176} rowHeight=${56} />
    </div>
    ${more && html`<p class="faint">Only the first ${count(rows.size)} by name are shown. The others:
      <code>lazaret queue list</code>.</p>`}
    <${Topics} />`;
}
