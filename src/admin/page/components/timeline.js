// The last hour of a queue or subscription on one axis: how many of its attempts failed, minute by minute, and what
// happened then. Each mark has a number, under which the list below says what it was.
import { html, useEffect, useMemo, useState } from '../view.js';
import { clock, count } from '../format.js';
import { sampledMarks } from '../marks.js';
import { brokerNow, useStore } from '../store.js';
import { HOUR_MS, makeMarkReader } from '../timeline.js';
import { Badge } from './icons.js';
import { useNarrow } from './list.js';
import { useLoad } from './load.js';
import { Matches } from './rule.js';
import { Loading, ProblemNote } from './states.js';
import { Text, plain } from './text.js';
import { Ago } from './time.js';
import { ChangeList } from './who_did_what.js';

const LOOK_EVERY = 5;
const FIRST_SHOWN = 20;
const MINUTE_MS = 60000;
const HEIGHT = 100;
const WORST = ['bad', 'warn', 'accent', 'good', 'calm'];

const historiesOf = (state) => state.histories;
const untilOf = (state) => state.historiesUntil;
const tickOf = (state) => state.tick;

/** Of each minute that there were attempts in: { end, share }, the failed of all. */
function shares(history, until) {
  const failed = history?.failed ?? [];
  return failed.map((n, i) => {
    const all = n + history.acked[i];
    return { end: until - (failed.length - 1 - i) * MINUTE_MS, share: all === 0 ? null : n / all };
  }).filter(({ share }) => share !== null);
}

const percent = (share) => `${Math.round(share * 100)}%`;

function rateText(minutes) {
  if (minutes.length === 0) return 'Failure rate: no attempt ended in a minute of the last hour that is counted yet';
  return `Failure rate: ${percent(minutes.at(-1).share)} in the last minute with attempts, at most ${percent(Math.max(
    ...minutes.map((one) => one.share)))}`;
}

function Rate({ minutes, place }) {
  const text = rateText(minutes);
  return html`<svg class="rate" viewBox="0 0 100 ${HEIGHT}" role="img" aria-label=${text} preserveAspectRatio="none">
    <title>${text}</title>
    ${minutes.map(({ end, share }) => {
      const x = Math.max(0, place(end - MINUTE_MS));
      const height = share === 0 ? 1 : Math.max(3, share * HEIGHT);
      return html`<rect key=${end} class=${share > 0 ? 'failed' : 'fine'} x=${x.toFixed(2)}
        width=${Math.max(0.2, place(end) - x - 0.2).toFixed(2)} y=${(HEIGHT - height).toFixed(1)}
        height=${height.toFixed(1)} />`;
    })}</svg>`;
}

/** Marks whose numbers would lie upon each other stand together. */
function gather(marks, place, apart) {
  const groups = [];
  for (const mark of marks) {
    const x = place(mark.at);
    const last = groups.at(-1);
    if (last && x - last.x < apart) last.marks.push(mark);
    else groups.push({ x, marks: [mark] });
  }
  return groups;
}

function Pins({ groups }) {
  return html`<div class="pins" aria-hidden="true">${groups.map(({ x, marks }) => {
    const tone = WORST.find((one) => marks.some((mark) => mark.tone === one));
    const [first, last] = [marks[0].number, marks.at(-1).number];
    const edge = x < 10 ? 'begin' : x > 90 ? 'end' : '';
    return html`<span key=${first} class="pin ${tone} ${edge}" style=${{ left: `${x.toFixed(2)}%` }}
      title=${marks.map((mark) => plain(`${mark.text} ${mark.name ?? ''}`.trim())).join('\n').slice(0, 400)}><b>${first
      === last ? first : `${first}–${last}`}</b></span>`;
  })}</div>`;
}

function Mark({ mark }) {
  return html`<li><span class="number">${mark.number}</span>
    <${Ago} at=${new Date(mark.at).toISOString()} />
    <span class="grow"><${Badge} tone=${mark.tone} icon=${mark.icon}>${mark.to ? html`<a
        href=${mark.to}>${mark.text}</a>` : mark.text}</${Badge}>
      ${mark.name && html` <b class="name"><${Text} value=${mark.name} max=${80} /></b>`}
      ${mark.actor && html` <span class="faint">by <${Text} value=${mark.actor} max=${60} /></span>`}
      ${mark.filter && html`<div><${Matches} filter=${mark.filter} /></div>`}
      ${mark.because && html`<div class="faint"><${Text} value=${mark.because} max=${200} /></div>`}
      ${mark.changes && html`<${ChangeList} changes=${mark.changes} />`}</span></li>`;
}

function Marks({ marks }) {
  const [shown, setShown] = useState(FIRST_SHOWN);
  if (marks.length === 0) return html`<p class="faint">Nothing was changed, and no consumer version came or went.</p>`;
  const newest = marks.toReversed();
  return html`<ol class="related happened" aria-label="What happened, the newest first">
      ${newest.slice(0, shown).map((mark) => html`<${Mark} key=${mark.number} mark=${mark} />`)}</ol>
    ${newest.length > shown && html`<button type="button" class="more" onClick=${() => setShown(shown + 5
      * FIRST_SHOWN)}>… ${count(newest.length - shown)} earlier</button>`}`;
}

export function Timeline({ name }) {
  const history = useStore(historiesOf).get(name);
  const until = useStore(untilOf);
  const tick = useStore(tickOf);
  const narrow = useNarrow();
  const read = useMemo(() => makeMarkReader(name), [name]);
  const { data, problem, look, again } = useLoad((signal) => read(brokerNow(), signal), [name]);
  useEffect(() => { if (tick % LOOK_EVERY === 0) look(); }, [tick]);
  const now = brokerNow();
  const begin = now - HOUR_MS;
  const place = (time) => ((time - begin) / HOUR_MS) * 100;
  const marks = [...sampledMarks(history), ...data ?? []].filter((mark) => mark.at >= begin)
    .sort((a, b) => a.at - b.at).map((mark, i) => ({ ...mark, at: Math.min(mark.at, now), number: i + 1 }));
  const minutes = shares(history, until).filter(({ end }) => end > begin);
  return html`<section class="card"><h2>Timeline</h2>
    <p class="faint small">${rateText(minutes)}.</p>
    <div class="timeline"><${Rate} minutes=${minutes} place=${place} />
      <${Pins} groups=${gather(marks, place, narrow ? 12 : 4)} /></div>
    <div class="axis faint small" aria-hidden="true"><span>${clock(new Date(begin).toISOString())}</span>
      <span>failed of all attempts, a minute</span><span>now</span></div>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!data && !problem && html`<${Loading} what="what happened" />`}
    ${(data || (problem && marks.length > 0)) && html`<${Marks} marks=${marks} />`}
  </section>`;
}
