// Whose a failure is, and its runbook: a link when it is an address of the web, text when it is anything else.
import { html, useEffect } from '../view.js';
import { call, can } from '../api.js';
import { isWebAddress, ownerOf } from '../owner.js';
import { useStore } from '../store.js';
import { useLoad } from './load.js';
import { ProblemNote } from './states.js';
import { Line, Text, head, plain } from './text.js';

const LOOK_EVERY = 10;
const tickOf = (state) => state.tick;

/** `text`: of the link, else its address. */
export function Runbook({ value, text }) {
  if (!isWebAddress(value)) return html`<${Text} value=${value} max=${200} />`;
  return html`<a href=${value} target="_blank" rel="noreferrer noopener" title=${plain(head(value, 300))}>${text
    ?? html`<${Line} value=${value} max=${80} />`}</a>`;
}

/** In a row of the list of causes. */
export function OwnerLines({ group }) {
  const { name, inherited } = ownerOf(group);
  const { ticket, runbook } = group;
  return html`<${Line} value=${name} max=${40} />
    ${inherited && html`<span class="sub faint">of the queue</span>`}
    ${ticket && html`<span class="sub faint"><${Line} value=${ticket} max=${40} /></span>`}
    ${runbook && html`<span class="sub faint">${isWebAddress(runbook) ? html`<${Runbook} value=${runbook}
      text="Runbook" />` : html`<${Line} value=${runbook} max=${60} />`}</span>`}`;
}

/** Beside a case: what is known of its cause. */
export function OwnerCard({ one }) {
  return can('getGroup') && html`<section class="card"><h2>Whose it is</h2><${OwnerFacts} id=${one.group} /></section>`;
}

function OwnerFacts({ id }) {
  const tick = useStore(tickOf);
  const { data: group, problem, look, again } = useLoad((signal) => call('getGroup', { args: { id }, signal }), [id]);
  useEffect(() => { if (tick % LOOK_EVERY === 0) look(); }, [tick]);
  if (problem && !group) return html`<${ProblemNote} problem=${problem} again=${again} />`;
  if (!group) return html`<p class="faint" role="status">Reading…</p>`;
  const { name, inherited } = ownerOf(group);
  return html`<dl class="facts">
    <div><dt>Owner</dt><dd><${Text} value=${name} max=${80} />${inherited && html` <span class="faint">of the
      queue</span>`}</dd></div>
    <div><dt>Runbook</dt><dd><${Runbook} value=${group.runbook} /></dd></div>
    ${group.ticket && html`<div><dt>Ticket</dt><dd><${Text} value=${group.ticket} max=${80} /></dd></div>`}
    ${group.note && html`<div><dt>Note</dt><dd><${Text} value=${group.note} max=${400} keep=${'\n\t'} /></dd></div>`}
  </dl>`;
}
