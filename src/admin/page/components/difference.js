// What differs between two messages, as the broker says it line by line: what was removed, what was added, with a
// little of what stayed. The page compares nothing itself, so that what is masked stays so.
import { html } from '../view.js';
import { Text } from './text.js';

const AROUND = 3; // lines that stay, around what differs
const MOST_LINES = 600;
const MARKS = { same: ' ', removed: '−', added: '+' };
const NAMES = { same: '', removed: 'removed: ', added: 'added: ' };

/** `lines`: of the broker, { kind, text }. `masked`: what is masked differs too. */
export function Difference({ lines, masked = false }) {
  const differs = lines.map((line) => line.kind !== 'same');
  const note = masked && html`<p class="faint">What is masked differs too.</p>`;
  if (!differs.includes(true)) return note || html`<p class="faint">Nothing differs.</p>`;
  const near = lines.filter((_, i) => differs.slice(Math.max(0, i - AROUND), i + AROUND + 1).includes(true));
  return html`${note}<pre tabindex="0" class="difference">${near.slice(0, MOST_LINES).map((line, i) => html`<div
    key=${i} class=${line.kind}><span aria-hidden="true">${MARKS[line.kind]}</span><span
      class="unseen">${NAMES[line.kind]}</span><${Text} value=${line.text} max=${400} keep=${'\t'} fallback=" " />
    </div>`)}</pre>`;
}
