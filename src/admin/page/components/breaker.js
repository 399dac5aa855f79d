// The circuit breaker of a queue or subscription: how it is, since when, and why.
import { html } from '../view.js';
import { count, some } from '../format.js';
import { brokerNow } from '../store.js';
import { Badge } from './icons.js';
import { Ago } from './time.js';

const STATES = {
  closed: { tone: 'good', icon: 'good', text: 'closed' },
  half_open: { tone: 'warn', icon: 'warn', text: 'half open' },
  open: { tone: 'bad', icon: 'warn', text: 'open' },
};

const isNear = (time) => !time || Date.parse(time) - brokerNow() < 1000;
const percent = (ratio) => `${Math.round(ratio * 100)}%`;

function Now({ subject, breaker }) {
  const failed = `${count(breaker.failures)} of ${some(breaker.samples, 'attempt')} had failed.`;
  const spared = 'What fails meanwhile counts against no limit of attempts.';
  if (breaker.state === 'open') {
    return html`Nothing is delivered: ${failed} One message is tried ${isNear(breaker.until) ? 'in a moment'
      : html`<${Ago} at=${breaker.until} />`}. ${spared}`;
  }
  if (breaker.state === 'half_open') {
    return html`One message at a time is tried, until three in a row are acknowledged: ${failed} ${spared}`;
  }
  if (breaker.samples === 0) return 'Nothing has failed lately.';
  const attempts = some(breaker.samples, 'attempt');
  return `${count(breaker.failures)} of ${attempts} failed within the last ${subject.breaker_window}.`;
}

export function Breaker({ subject }) {
  const breaker = subject.breaker_status;
  if (subject.breaker === false) return html`<p class="faint">It is switched off.</p>`;
  if (subject.max_attempts === 1 && breaker.state === 'closed') {
    return html`<p class="faint">There is none where a message has only one attempt: there is none to save.</p>`;
  }
  const state = STATES[breaker.state] ?? { tone: 'calm', text: breaker.state };
  return html`<div class="breaker"><p><${Badge} tone=${state.tone} icon=${state.icon}>${state.text}</${Badge}>
      ${breaker.since && html` <span class="faint">for <${Ago} at=${breaker.since} suffix=${false} /></span>`}</p>
    <p><${Now} subject=${subject} breaker=${breaker} /></p>
    <p class="faint small">Opened ${breaker.opened_total === 0 ? 'never' : some(breaker.opened_total, 'time')} since the
      broker started. It opens when ${percent(subject.breaker_ratio)} fail of at least ${some(subject.breaker_samples,
        'attempt')} within ${subject.breaker_window}.</p></div>`;
}
