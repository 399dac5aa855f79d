// How a replay goes on, in a dialog: the choices of a job, what they mean in a sentence, and what the broker says to
// them before anything is done.
import { html, useEffect, useRef } from '../view.js';
import { call } from '../api.js';
import { fieldsOf, sentencesOf } from '../manner.js';
import { Connected } from './connected.js';
import { useLoad, useSettled } from './load.js';
import { Text } from './text.js';

const REPEAT_MS = 2000;

/**
 * What is wrong with these choices, as the broker says it without doing anything; null when nothing is. A broker that
 * is away or busy has not said so: it is asked again, and has the last word anyway.
 */
export function useMistake(manner) {
  const fields = JSON.stringify(fieldsOf(manner));
  const first = useRef(fields); // with which the dialog opens: nothing is wrong with that
  const asked = useSettled(fields);
  const { problem, again } = useLoad((signal) => (asked === first.current ? Promise.resolve(null) : call('createReplay',
    { body: { ...JSON.parse(asked), ids: [], dry_run: true }, signal })), [asked]);
  useEffect(() => {
    if (!problem || problem.isRefusal) return undefined;
    const timer = setTimeout(again, REPEAT_MS);
    return () => clearTimeout(timer);
  }, [problem]);
  return problem?.isRefusal ? problem : null;
}

/** "It begins when a consumer of version >=2.4.2 is connected, …" */
export const ForVersion = ({ range, many = true }) => html`It begins when a consumer of version <b class="name"><${Text}
  value=${range} max=${80} /></b> is connected; until then nothing leaves the hospital, and no other consumer
  gets ${many ? 'them' : 'it'}.`;

/** The whole of it in sentences. */
export const Said = ({ manner }) => html`${sentencesOf(fieldsOf(manner)).map((text) => ` ${text}`)}
  ${!manner.to.trim() && manner.afterVersion.trim() && html` <${ForVersion} range=${manner.afterVersion.trim()} />`}`;

/** `names`: the queues and subscriptions whose consumers are asked for a version; `mistake`: of useMistake. */
export const VersionField = ({ manner, change, names, mistake }) => html`
  <label class="field">Only to consumers of a version (optional)
    <input type="text" value=${manner.afterVersion} placeholder=">=2.4.2" maxlength="256" autocomplete="off"
      spellcheck=${false} aria-invalid=${mistake?.message.startsWith('after_version') ? 'true' : 'false'}
      aria-describedby="connected"
      onInput=${(e) => change({ ...manner, afterVersion: e.target.value })} /></label>
  <${Connected} names=${names} id="connected" />`;

export const ForceField = ({ manner, change }) => html`<label class="choice long"><input type="checkbox"
  checked=${manner.force} onChange=${(e) => change({ ...manner, force: e.target.checked })} /><span>Also requests that
  were answered meanwhile</span></label>`;

export const Mistake = ({ mistake }) => mistake && html`<p class="problem-line" role="alert"><span class="code">
  ${mistake.code}</span> <${Text} value=${mistake.message} max=${400} /></p>`;

const ElsewhereField = ({ manner, change }) => html`<label class="field">Elsewhere than where they failed (optional)
  <input type="text" value=${manner.to} placeholder="name of a queue or topic" autocomplete="off" spellcheck=${false}
    onInput=${(e) => change({ ...manner, to: e.target.value })} /></label>`;

const KeepField = ({ manner, change }) => html`<label class="choice long"><input type="checkbox"
  checked=${manner.keepAttempts} onChange=${(e) => change({ ...manner, keepAttempts: e.target.checked })} /><span>Go on
  counting their failures</span></label>`;

/** All choices of a job. `elsewhere`: it may also go to another queue or topic, or with the attempts that are left. */
export function Manner({ manner, change, names, mistake, elsewhere = false }) {
  const amount = (name, before, behind, more) => html`<label class="choice">${before} <input type="number"
    value=${manner[name]} min="0" max="100000" ...${more}
    onInput=${(e) => change({ ...manner, [name]: e.target.value })} /> ${behind}</label>`;
  const back = !manner.to.trim(); // to where they failed
  return html`${back && amount('canary', 'First', 'alone, with one attempt each (0: all at once)')}
    ${amount('rate', 'At most', 'a second', { min: 1 })}
    ${back && html`<${VersionField} manner=${manner} change=${change} names=${names} mistake=${mistake} />`}
    <details class="choices"><summary>More choices</summary>
      ${elsewhere && html`<${ElsewhereField} manner=${manner} change=${change} />`}
      ${back && amount('canaryNeeded', 'Of those that go first', 'must be acknowledged', { placeholder: 'all' })}
      ${amount('concurrency', 'At most', 'out at a time', { min: 1, placeholder: '10000' })}
      ${back && amount('stopAtFailureRatio', 'Stop at a failure ratio of', '(0 to 1, of at least 20 outcomes)',
        { max: 1, step: 0.01, placeholder: 'never' })}
      ${elsewhere && back && html`<${KeepField} manner=${manner} change=${change} />`}
      <${ForceField} manner=${manner} change=${change} />
    </details>
    <${Mistake} mistake=${mistake} />`;
}
