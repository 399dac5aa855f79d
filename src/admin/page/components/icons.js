// Shapes that go with a colour, so that a colour never says anything alone. All are drawn in a box of 16.
import { html } from '../view.js';

const SHAPES = {
  good: html`<path d="M3 8.5l3.2 3.2L13 5" />`,
  bad: html`<path d="M4 4l8 8M12 4l-8 8" />`,
  warn: html`<path d="M8 2.5l6 11H2zM8 7v3M8 11.9v.2" />`,
  wait: html`<circle cx="8" cy="8" r="5.5" /><path d="M8 5v3.2l2 1.3" />`,
  pause: html`<path d="M5.5 4v8M10.5 4v8" />`,
  none: html`<circle cx="8" cy="8" r="5.5" /><path d="M4.2 11.8l7.6-7.6" />`,
  run: html`<path d="M5.5 3.5l6.5 4.5-6.5 4.5z" />`,
  back: html`<path d="M3 8a5 5 0 1 0 1.6-3.7M3 2.8v3h3" />`,
  case: html`<path d="M2.5 5.5h11v7.5h-11zM6 5.5v-2h4v2M8 7.5v3.5M6.2 9.2h3.6" />`,
  close: html`<path d="M4 4l8 8M12 4l-8 8" />`,
  copy: html`<path d="M5.5 5.5h7.5v8h-7.5zM10.5 5.5v-3h-7.5v8h2.5" />`,
  options: html`<path d="M3 5h4M10 5h3M3 11h2M8 11h5M8.5 3v4M6.5 9v4" />`,
  link: html`<path d="M6 10l4-4M5 8.5L3.5 10a2.5 2.5 0 0 0 3.5 3.5L8.5 12M11 7.5L12.5 6A2.5 2.5 0 0 0 9 2.5L7.5 4" />`,
};

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
  ${SHAPES[name]}</svg>`;

/** A word with its shape: `tone` is good, warn, bad, calm or accent. */
export const Badge = ({ tone = 'calm', icon, children }) => html`<span class="badge ${tone}">
  ${icon && html`<${Icon} name=${icon} />`}<span>${children}</span></span>`;

const STATES = {
  admitted: { tone: 'bad', icon: 'case', text: 'open' },
  replaying: { tone: 'warn', icon: 'back', text: 'replaying' },
  discharged: { tone: 'good', icon: 'good', text: 'discharged' },
  discarded: { tone: 'calm', icon: 'none', text: 'discarded' },
};

export const CaseState = ({ state }) => {
  const known = STATES[state] ?? { tone: 'calm', text: state };
  return html`<${Badge} tone=${known.tone} icon=${known.icon}>${known.text}</${Badge}>`;
};
