// The dialogs of quarantine rules: a new one, and the end of one, with what it has caught or without.
import { html, useState } from '../view.js';
import { Problem, call, can } from '../api.js';
import { term } from '../filter.js';
import { some } from '../format.js';
import { FEW, mannerFor } from '../manner.js';
import { caughtBy, caughtFilter, lift, release } from '../quarantine.js';
import { notify, useStore } from '../store.js';
import { Dialog } from './dialog.js';
import { useLoad } from './load.js';
import { Manner, Said, useMistake } from './manner.js';
import { beginJob } from './replay_dialogs.js';
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

/** `replay`: begins with what it has caught being replayed too. */
export function LiftQuarantineDialog({ rule, replay = false, close, then }) {
  const [releases, setReleases] = useState(replay);
  const [manner, setManner] = useState(mannerFor(Infinity));
  const mistake = useMistake(manner);
  const { data: caught, problem } = useLoad(() => caughtBy(rule), [rule.id]);
  const n = caught?.count ?? 0;
  const cases = `${caught?.more ? 'at least ' : ''}${some(n, 'case')}`;
  const asJob = n > FEW && can('createReplay');
  const sends = releases && n > 0;
  const over = rule.over;
  const act = async () => {
    if (sends && asJob) {
      await lift(rule);
      const { count } = await caughtBy(rule); // it may have caught others meanwhile; now it catches none
      then?.();
      if (count === 0) throw new Problem({ code: 'CONFLICT', retry: 'never',
        title: 'The rule is lifted, and somebody else has taken care of all that it has caught.' });
      await beginJob({ filter: caughtFilter(rule) }, manner);
      return;
    }
    const released = sends ? await release(rule) : await lift(rule);
    const text = sends ? `${some(released, 'case')} of it ${released === 1 ? 'is' : 'are'} on the way to `
      + `${rule.subscription}.` : 'What it has caught stays in the hospital.';
    notify({ kind: 'good', text: `${over ? '' : 'The rule is lifted. '}${text}` });
    then?.();
  };
  return html`<${Dialog} title=${over ? 'Replay what the rule has caught' : 'Lift a quarantine rule'} act=${act}
    close=${close} disabled=${(releases && !caught) || (over && !sends) || (sends && asJob && mistake)}
    confirm=${sends ? `Replay ${cases}` : over ? 'Replay' : 'Lift the rule'}>
    <p>${over ? html`The rule about messages of <${Name} value=${rule.subscription} /> <${Whose}
        filter=${rule.filter} /> is over.`
      : html`Lift the rule: messages of <${Name} value=${rule.subscription} /> <${Whose} filter=${rule.filter} /> are
        delivered again.`}
      ${sends && html` Put ${cases} that the rule has caught back on <${Name} value=${rule.subscription} />; nobody
        else gets ${n === 1 ? 'it' : 'them'}.`}
      ${sends && asJob && html` <${Said} manner=${manner} />`}
      ${sends && !asJob && n > 1 && ' All at once.'}
      ${!sends && n > 0 && ` ${caught.more ? 'At least ' : ''}${some(n, 'open case')} that it has caught `
        + `${n === 1 ? 'stays' : 'stay'} in the hospital, and can be replayed from there.`}
      ${caught && n === 0 && ' None of what it has caught is still an open case.'}</p>
    ${problem && html`<${ProblemNote} problem=${problem} />`}
    ${!caught && !problem && html`<p class="faint" role="status">Counting what it has caught…</p>`}
    ${n > 0 && html`<label class="choice long"><input type="checkbox" checked=${releases}
      onChange=${(e) => setReleases(e.target.checked)} /><span>And replay ${cases} that it has caught</span></label>`}
    ${sends && asJob && html`<${Manner} manner=${manner} change=${setManner} names=${[rule.subscription]}
      mistake=${mistake} />`}
  </${Dialog}>`;
}
