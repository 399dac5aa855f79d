// What a place shows when it has nothing to show: not yet, nothing, or an error.
import { html } from '../view.js';
import { Text } from './text.js';

export const Loading = ({ what }) => html`<div class="blank" role="status"><span class="spinner" aria-hidden="true">
  </span>
  <p>Reading <${Text} value=${what} max=${120} />…</p></div>`;

export const Empty = ({ title, children }) => html`<div class="blank"><p class="blank-title">${title}</p>
  <div class="faint">${children}</div></div>`;

/**
 * `again` reads once more; it is offered unless the broker refuses what was asked, which it would do again. Then the
 * way `back` is, { to, text }, where there is one.
 */
export const ProblemNote = ({ problem, again, back }) => html`<div class="problem" role="alert">
  <p><span class="code">${problem.code ?? 'ERROR'}</span> <${Text} value=${problem.message} max=${400} /></p>
  <p class="faint">${problem.advice ?? 'This is a mistake in the page: reload it.'}</p>
  ${problem.isRefusal ? back && html`<a class="button" href=${back.to}>${back.text}</a>`
    : again && html`<button type="button" onClick=${again}>Try again</button>`}
</div>`;
