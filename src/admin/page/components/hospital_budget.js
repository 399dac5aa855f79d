// The byte budget of a hospital: how much of it its cases keep, what that means for the queue, and what makes room.
import { html } from '../view.js';
import { term } from '../filter.js';
import { bytes } from '../format.js';
import { percentKept } from '../health.js';
import { to } from '../router.js';
import { Badge } from './icons.js';
import { Text } from './text.js';

const LEVELS = {
  below: { tone: 'good', icon: 'good', text: 'has room' },
  filling: { tone: 'warn', icon: 'case', text: 'fills' },
  full: { tone: 'bad', icon: 'warn', text: 'full' },
};
const MEANINGS = {
  filling: 'When they keep as much as they may, nothing is granted but replays.',
  full: 'Nothing is granted but replays. What is published waits, and nothing is dropped.',
};

const casesOf = (subject, state) => to('/hospital/cases', { filter: `${term('subscription', subject.name)} ${state}` });

function WhatMakesRoom({ subject, kind }) {
  return html`<p>What makes room:</p><ul class="why">
    <li><a href=${casesOf(subject, 'state=admitted')}>Replay its open cases</a>, or send them elsewhere: of what is
      acknowledged, or has gone, nothing is kept but edited versions.</li>
    <li>Discard them: a <a href=${casesOf(subject, 'state=discarded')}>discarded case</a> can be restored for <${Text}
      value=${subject.case_retention} />, and keeps its message until then.</li>
    <li>Raise the budget, which holds at once: <code>lazaret ${kind} update <${Text} value=${subject.name} max=${300} />
      ${' '}--hospital-max-bytes ${2 * subject.hospital_max_bytes}</code></li></ul>`;
}

/** Nothing where nothing is kept. */
export function HospitalBudget({ subject, kind }) {
  if (!subject.hospital_bytes && subject.hospital_level === 'below') return null;
  const kept = bytes(subject.hospital_bytes);
  const percent = percentKept(subject);
  if (percent === null) {
    return html`<section class="card"><h2>Hospital</h2><p>Its cases keep ${kept} of messages, and may keep any
      number.</p></section>`;
  }
  const level = LEVELS[subject.hospital_level] ?? { tone: 'calm', text: subject.hospital_level };
  return html`<section class="card"><h2>Hospital</h2><div class="hospital-budget">
    <p><${Badge} tone=${level.tone} icon=${level.icon}>${level.text}</${Badge}> Its cases keep ${kept} of messages, of
      ${' '}${bytes(subject.hospital_max_bytes)} that they may: ${percent}%. ${MEANINGS[subject.hospital_level]}</p>
    <div class="stack"><div class="stack-bar" aria-hidden="true"><span class=${level.tone}
      style=${{ width: `${Math.min(percent, 100)}%` }}></span></div></div>
    ${MEANINGS[subject.hospital_level] && html`<${WhatMakesRoom} subject=${subject} kind=${kind} />`}
  </div></section>`;
}
