// The chart of a case: every attempt on one axis of time, with who made it, how long it took and how it ended.
import { html, useState } from '../view.js';
import { clock, count, duration, words } from '../format.js';
import { Badge } from './icons.js';
import { Text } from './text.js';
import { Ago } from './time.js';

const OUTCOMES = {
  running: { tone: 'accent', icon: 'run', text: 'running' },
  acked: { tone: 'good', icon: 'good', text: 'acknowledged' },
  nacked: { tone: 'bad', icon: 'bad', text: 'failed' },
  rejected: { tone: 'bad', icon: 'none', text: 'rejected' },
  consumer_lost: { tone: 'bad', icon: 'warn', text: 'worker lost' },
  lease_expired: { tone: 'warn', icon: 'wait', text: 'lease ran out' },
  handler_timeout: { tone: 'warn', icon: 'wait', text: 'took too long' },
  released: { tone: 'calm', icon: 'back', text: 'given back' },
  interrupted: { tone: 'calm', icon: 'pause', text: 'interrupted' },
};
const FIRST_SHOWN = 30;
const LEAST_WIDTH = 0.8; // per cent: what took no time is seen all the same

const outcomeOf = (attempt) => OUTCOMES[attempt.outcome] ?? { tone: 'calm', text: words(attempt.outcome) };

function spanOf(attempts) {
  const begin = Date.parse(attempts[0].started_at);
  const ends = attempts.map((one) => (one.ended_at ? Date.parse(one.ended_at) : Date.now()));
  return { begin, length: Math.max(1, Math.max(...ends) - begin) };
}

function Track({ attempt, span }) {
  const begin = ((Date.parse(attempt.started_at) - span.begin) / span.length) * 100;
  const end = ((attempt.ended_at ? Date.parse(attempt.ended_at) : Date.now()) - span.begin) / span.length * 100;
  const width = Math.max(LEAST_WIDTH, end - begin);
  const x = Math.min(begin, 100 - width);
  return html`<svg class="track" aria-hidden="true" focusable="false"><line x1="0" x2="100%" y1="50%" y2="50%" />
    <rect class=${outcomeOf(attempt).tone} x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" y="20%" height="60%"
      rx="2" /></svg>`;
}

function Consumer({ consumer }) {
  return html`<span class="consumer"><${Text} value=${consumer.name} max=${60} fallback="unnamed" />
    ${consumer.version && html` <span class="tag"><${Text} value=${consumer.version} max=${40} /></span>`}
    ${consumer.host && html`<span class="faint small"> on <${Text} value=${consumer.host} max=${60} /></span>`}</span>`;
}

function Attempt({ attempt, before, span }) {
  const outcome = outcomeOf(attempt);
  const took = attempt.ended_at ? duration(Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) : 'so far';
  const pause = before?.ended_at ? Date.parse(attempt.started_at) - Date.parse(before.ended_at) : 0;
  return html`<li class="attempt">
    <div class="attempt-head">
      <span class="number">${attempt.number}</span>
      <${Badge} tone=${outcome.tone} icon=${outcome.icon}>${outcome.text}${attempt.late ? ', late' : ''}</${Badge}>
      <${Consumer} consumer=${attempt.consumer} />
      <span class="when"><${Ago} at=${attempt.started_at} /> <span class="faint small">for ${took}${pause > 500
        ? `, ${duration(pause)} after the one before` : ''}</span></span>
    </div>
    <${Track} attempt=${attempt} span=${span} />
    ${(attempt.error_type || attempt.error_message) && html`<p class="attempt-error bad">
      ${attempt.error_type && html`<strong><${Text} value=${attempt.error_type} /></strong> `}
      ${attempt.error_message && html`<${Text} value=${attempt.error_message} max=${400} />`}</p>`}
    ${attempt.error_details && html`<details><summary>Details</summary>
      <pre tabindex="0"><${Text} value=${attempt.error_details} max=${4000} keep=${'\n\t'} /></pre></details>`}
  </li>`;
}

export function Attempts({ attempts }) {
  const [all, setAll] = useState(false);
  if (attempts.length === 0) return html`<p class="faint">Nobody has ever begun with it.</p>`;
  const span = spanOf(attempts);
  // The newest are what one looks for; the axis is that of all.
  const shown = all ? attempts : attempts.slice(-FIRST_SHOWN);
  return html`<div class="attempts">
    <div class="axis faint small" aria-hidden="true"><span>${clock(attempts[0].started_at)}</span>
      <span>${attempts.length === 1 ? '' : `over ${duration(span.length)}`}</span>
      <span>${clock(new Date(span.begin + span.length).toISOString())}</span></div>
    ${shown.length < attempts.length && html`<button type="button" class="more" onClick=${() => setAll(true)}>
      ${count(attempts.length - shown.length)} earlier attempts</button>`}
    <ol>${shown.map((attempt, i) => html`<${Attempt} key=${attempt.number} attempt=${attempt} before=${shown[i - 1]}
      span=${span} />`)}</ol>
  </div>`;
}
