// Which messages a quarantine rule is about, in words.
import { html } from '../view.js';
import { partsOf } from '../quarantine.js';
import { Line, Text } from './text.js';

function whose([what, value], i) {
  return html`${i > 0 ? ' and ' : ''}whose ${what} <b class="name"><${Text} value=${value} max=${80}
    fallback="empty" /></b>`;
}

/** In a sentence: "whose type matches label.# and whose key is k". */
export const Whose = ({ filter }) => partsOf(filter).map(whose);

/** In a line: "type matches label.#", "key is k". */
export const Matches = ({ filter }) => html`<span class="matches">${partsOf(filter).map(([what, value], i) => html`<span
  key=${i} class="match">${what} <${Line} value=${value} max=${80} class="strong" fallback="empty" /></span>`)}</span>`;
