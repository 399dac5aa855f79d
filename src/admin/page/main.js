// The page: a bar with where one can go, the place that the address names, and what was just done.
import { html, render, useState } from './view.js';
import { learnOperations } from './api.js';
import { Icon } from './components/icons.js';
import { KeysHelp, useKeys } from './components/keys.js';
import { Text } from './components/text.js';
import { begin as beginEvents } from './events.js';
import { short } from './format.js';
import { AlertsPlace } from './places/alerts.js';
import { AuditPlace } from './places/audit.js';
import { CasePlace } from './places/case.js';
import { CasesPlace } from './places/cases.js';
import { HospitalPlace } from './places/hospital.js';
import { NowherePlace } from './places/nowhere.js';
import { OverviewPlace } from './places/overview.js';
import { QuarantinePlace } from './places/quarantine.js';
import { ReplayPlace } from './places/replay.js';
import { ReplaysPlace } from './places/replays.js';
import { SubjectPlace, TopicPlace } from './places/subject.js';
import { begin as beginRouting, go } from './router.js';
import { dismiss, useStore } from './store.js';

const addressOf = (state) => state.address;
const linkOf = (state) => state.link;
const noticesOf = (state) => state.notices;
const openCasesOf = (state) => [...state.rows.values()].reduce((sum, row) => sum + row.in_hospital, 0);

function placeOf([first, second, third, ...rest]) {
  if (rest.length > 0) return html`<${NowherePlace} />`;
  if (first === undefined) return html`<${OverviewPlace} />`;
  if (first === 'hospital') {
    if (second === undefined) return html`<${HospitalPlace} />`;
    if (second === 'cases') return third === undefined ? html`<${CasesPlace} />` : html`<${CasePlace} key=${third}
      id=${third} />`;
    if (second === 'alerts' && third === undefined) return html`<${AlertsPlace} />`;
    if (second === 'audit' && third === undefined) return html`<${AuditPlace} />`;
    if (second === 'quarantine' && third === undefined) return html`<${QuarantinePlace} />`;
    if (second === 'replays') return third === undefined ? html`<${ReplaysPlace} />` : html`<${ReplayPlace}
      key=${third} id=${third} />`;
  }
  if (second !== undefined && third === undefined) {
    if (first === 'queues') return html`<${SubjectPlace} key=${second} kind="queue" name=${second} />`;
    if (first === 'subscriptions') return html`<${SubjectPlace} key=${second} kind="subscription" name=${second} />`;
    if (first === 'topics') return html`<${TopicPlace} key=${second} name=${second} />`;
  }
  return html`<${NowherePlace} />`;
}

const LINKS = { live: ['good', 'live'], connecting: ['warn', 'connecting'], lost: ['bad',
  'no connection; trying again'] };

function Bar({ help }) {
  const { segments } = useStore(addressOf);
  const link = useStore(linkOf);
  const open = useStore(openCasesOf);
  const [tone, text] = LINKS[link.state];
  const here = (name) => ((segments[0] ?? '') === name ? 'page' : undefined);
  return html`<header class="top">
    <a class="brand" href="/" aria-label="Lazaret, overview"><svg viewBox="0 0 32 32" aria-hidden="true"
      focusable="false">
      <rect width="32" height="32" rx="7" /><path class="l" d="M8 7v18h16" /><path class="c" d="M20 7v9m-4.5-4.5h9" />
        </svg><span>Lazaret</span></a>
    <nav aria-label="Places"><a href="/" aria-current=${here('')}>Overview</a>
      <a href="/hospital" aria-current=${here('hospital')}>Hospital${open > 0 && html` <span class="pill">
        ${short(open)}<span class="unseen"> open cases</span></span>`}</a></nav>
    <span class="grow"></span>
    <span class="link ${tone}" role="status"><span class="dot" aria-hidden="true"></span><span class="link-text">
      ${text}</span></span>
    <button type="button" class="quiet help" onClick=${help} aria-label="Keys">?</button>
  </header>`;
}

function Notices() {
  const notices = useStore(noticesOf);
  return html`<div class="notices" role="status" aria-live="polite">${notices.map((notice) => html`<div
    key=${notice.id} class="notice ${notice.kind}">
    <${Icon} name=${notice.kind === 'good' ? 'good' : 'warn'} /><span class="grow"><${Text} value=${notice.text}
      max=${300} />
    ${notice.link && html` <a href=${notice.link.to}>${notice.link.text}</a>`}</span>
    <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => dismiss(notice.id)}><${Icon}
      name="close" /></button></div>`)}</div>`;
}

function Page() {
  const { segments } = useStore(addressOf);
  const link = useStore(linkOf);
  const [help, setHelp] = useState(false);
  useKeys({ '?': () => setHelp(true), o: () => go('/'), h: () => go('/hospital') });
  return html`<a class="skip" href="#main" onClick=${(event) => {
    event.preventDefault();
    document.querySelector('h1')?.focus();
  }}>Skip to the content</a>
  <${Bar} help=${() => setHelp(true)} />
  ${link.state === 'lost' && html`<p class="lost" role="alert">The connection to the broker is lost. What you see may
    be old; it goes on by itself when the broker is back.</p>`}
  <main id="main">${placeOf(segments)}</main>
  <${Notices} />
  ${help && html`<${KeysHelp} close=${() => setHelp(false)} />`}`;
}

beginRouting();
beginEvents();
learnOperations();
render(html`<${Page} />`, document.getElementById('page'));
