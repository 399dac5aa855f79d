// The dialogs of quarantine rules: a new one, and the end of one, with what it has caught or without.
import { html, useState } from '../view.js';
import { call } from '../api.js';
import { term } from '../filter.js';
import { some } from '../format.js';
import { fieldsOf, mannerFor } from '../manner.js';
import { caughtBy, lift, release } from '../quarantine.js';
import { go, segment } from '../router.js';
import { notify, useStore } from '../store.js';
import { Dialog } from './dialog.js';
import { useLoad } from './load.js';
import { Manner, Said, useMistake } from './manner.js';
import { Whose } from './rule.js';
import { ProblemNote } from './states.js';
import { Text } from './text.js';

const SPANS = [['', 'until it is lifted', 'until the rule is lifted'], ['1h', 'for an hour'], ['8h', 'for 8 hours'],
  ['24h', 'for a day'], ['168h', 'for a week']];
const rowsOf = (state) => state.rows;

const Name = ({ value }) => html`<b class="name"><${Text} value=${value} max=${80} /></b>`;

/** `subscription`: of which one, when that is known already. */
export function AddQuarantineDialog({ subscription: given = '', close, then }) {
  const [subscription, setSubscription] = useState(given);
  const [type, setType] = useState('');
  const [key, setKey] = useState('');
  const [terms, setTerms] = useState('');
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState('');
  const rows = useStore(rowsOf);
  const filter = [terms.trim(), type && term('type', type), key && term('key', key)].filter(Boolean).join(' ');
  const complete = subscription !== '' && filter !== '';
  const ready = rows.get(subscription)?.ready ?? 0;
  const [, span, longSpan = span] = SPANS.find(([value]) => value === until);
  const act = async () => {
    const body = { subscription, filter: terms.trim(), type, key, reason: reason.trim(), until };
    await call('addQuarantine', { body: Object.fromEntries(Object.entries(body).filter(([, value]) => value)) });
    notify({ kind: 'good', text: `Messages of ${subscription} that match go to the hospital ${longSpan}.`,
      link: { to: '/hospital/quarantine', text: 'The rules' } });
    then?.();
  };
  const field = (label, value, change, more) => html`<label class="field">${label}
    <input type="text" autocomplete="off" spellcheck=${false} value=${value} ...${more}
      onInput=${(e) => change(e.target.value)} /></label>`;
  return html`<${Dialog} title="Quarantine messages" act=${act} close=${close} disabled=${!complete}
    confirm=${!complete ? 'Quarantine messages' : subscription.length > 40 ? 'Quarantine these messages'
      : `Quarantine messages of ${subscription}`}>
    <p>${complete ? html`Send messages of <${Name} value=${subscription} /> <${Whose} filter=${filter} /> to the
      hospital before anybody gets them, ${longSpan}. What consumers hold goes on, and a replay passes.
      ${ready > 0 && ` ${some(ready, 'message')} ${ready === 1 ? 'is' : 'are'} ready there: those that match go too.`}`
      : html`Say of which queue or subscription, and which messages: what you say of them must all hold.`}</p>
    ${field('Queue or subscription', subscription, (text) => setSubscription(text.trim()),
      { list: 'quarantine-names', 'data-first': given === '' ? '' : undefined })}
    <datalist id="quarantine-names">${[...rows.keys()].map((name) => html`<option key=${name} value=${name} />`)}
      </datalist>
    ${field('Type: * is one word, # any number of them', type, (text) => setType(text.trim()),
      { placeholder: 'label.large.#', 'data-first': given === '' ? undefined : '' })}
    ${field('Key', key, setKey)}
    ${field('Other terms', terms, setTerms, { placeholder: 'header.region=eu header.note~"two words"' })}
    ${field('Why (kept with the rule)', reason, setReason, { maxlength: 1000 })}
    <label class="field">How long <select value=${until} onChange=${(e) => setUntil(e.target.value)}>
      ${SPANS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
  </${Dialog}>`;
}

/** Ends the rule as `manner` says and goes to the job that releases what it has caught. */
async function releaseAndFollow(rule, manner) {
  const { lifted, job, released, at_least: atLeast } = await release(rule, fieldsOf(manner));
  const ended = lifted ? 'The rule is lifted. ' : '';
  if (!job) {
    notify({ kind: 'good', text: `${ended}Nothing that it has caught is left to replay.` });
    return;
  }
  const one = released === 1 && !atLeast;
  const cases = released > 0 ? `${atLeast ? 'At least ' : ''}${some(released, 'case')} of it` : 'The cases of it';
  notify({ kind: 'good', text: `${ended}${cases} ${one ? 'is' : 'are'} on the way to ${rule.subscription}.` });
  go(`/hospital/replays/${segment(job)}`);
}

/** What happens to what the rule has caught, in sentences; `caught`: { count, more }. */
function Fate({ rule, caught, cases, sends, manner }) {
  const { count, more } = caught;
  if (count === 0 && !more) return ' None of what it has caught is still an open case.';
  if (sends) return html` Put ${cases ? `${cases} that` : 'what'} the rule has caught back on <${Name}
    value=${rule.subscription} />; nobody else gets ${count === 1 && !more ? 'it' : 'them'}.
    <${Said} manner=${manner} /> ${!cases && 'How many cases that are is not known yet: there are too many others.'}`;
  if (!cases) return ' What it has caught and is still open stays in the hospital, and can be replayed from there.';
  return ` ${more ? 'At least ' : ''}${some(count, 'open case')} that it has caught ${count === 1 && !more ? 'stays'
    : 'stay'} in the hospital, and can be replayed from there.`;
}

/** `replay`: begins with what it has caught being replayed too. */
export function LiftQuarantineDialog({ rule, replay = false, close, then }) {
  const [releases, setReleases] = useState(replay);
  const [chosen, setManner] = useState(null);
  const { data: caught, problem, again } = useLoad((signal) => caughtBy(rule, signal), [rule.id]);
  const manner = chosen ?? mannerFor(!caught || caught.more ? Infinity : caught.count);
  const mistake = useMistake(manner);
  const n = caught?.count ?? 0;
  const cases = n > 0 && `${caught.more ? 'at least ' : ''}${some(n, 'case')}`; // none: it is not known how many
  const any = n > 0 || Boolean(caught?.more);
  const sends = releases && any;
  const { over } = rule;
  const act = async () => {
    if (sends) {
      await releaseAndFollow(rule, manner);
    } else {
      await lift(rule);
      notify({ kind: 'good', text: `${over ? '' : 'The rule is lifted. '}What it has caught stays in the hospital.` });
    }
    then?.();
  };
  return html`<${Dialog} title=${over ? 'Replay what the rule has caught' : 'Lift a quarantine rule'} act=${act}
    close=${close} disabled=${(releases && !caught) || (over && !sends) || (sends && mistake)}
    confirm=${sends ? `Replay ${cases || 'what it has caught'}` : over ? 'Replay' : 'Lift the rule'}>
    <p>${over ? html`The rule about messages of <${Name} value=${rule.subscription} /> <${Whose}
        filter=${rule.filter} /> is over.`
      : html`Lift the rule: messages of <${Name} value=${rule.subscription} /> <${Whose} filter=${rule.filter} /> are
        delivered again.`}
      ${caught && html`<${Fate} rule=${rule} caught=${caught} cases=${cases} sends=${sends} manner=${manner} />`}</p>
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!caught && !problem && html`<p class="faint" role="status">Counting what it has caught…</p>`}
    ${any && html`<label class="choice long"><input type="checkbox" checked=${releases}
      onChange=${(e) => setReleases(e.target.checked)} /><span>And replay ${cases ? `${cases} that` : 'what'} it has
      caught</span></label>`}
    ${sends && html`<${Manner} manner=${manner} change=${setManner} names=${[rule.subscription]}
      mistake=${mistake} />`}
  </${Dialog}>`;
}
