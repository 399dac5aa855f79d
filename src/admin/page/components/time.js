// Times: relative, the exact one on hover, both in the viewer's zone and in UTC.
import { html } from '../view.js';
import { age, exact } from '../format.js';
import { brokerNow, useStore } from '../store.js';

const clockOf = (state) => Math.floor((Date.now() + state.skew) / 1000) * (state.link.state === 'live' ? 1 : 0);

/** "3 min ago", "in 2 h". Drawn anew with every event. */
export function Ago({ at, fallback = '–', suffix = true }) {
  useStore(clockOf);
  if (!at) return html`<span class="faint">${fallback}</span>`;
  const ms = brokerNow() - Date.parse(at);
  let text;
  if (ms < -1000) text = suffix ? `in ${age(-ms)}` : age(-ms);
  else if (ms < 2000 && suffix) text = 'just now';
  else text = suffix ? `${age(ms)} ago` : age(ms);
  return html`<time datetime=${at} title=${exact(at)}>${text}</time>`;
}
