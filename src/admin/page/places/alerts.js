// What was the broker worried about, and who was told? Alerts, newest first.
import { html, useEffect } from '../view.js';
import { can, useOperations } from '../api.js';
import { Heading } from '../components/heading.js';
import { Badge } from '../components/icons.js';
import { useNewestFirst } from '../components/newest_first.js';
import { Runbook } from '../components/owner.js';
import { Empty, Loading, ProblemNote } from '../components/states.js';
import { HospitalTabs } from '../components/tabs.js';
import { Text } from '../components/text.js';
import { Ago } from '../components/time.js';
import { term } from '../filter.js';
import { some, words } from '../format.js';
import { segment, to } from '../router.js';
import { useStore } from '../store.js';
import { NowherePlace } from './nowhere.js';

const QUERY = { limit: 100 };
const LOOK_EVERY = 5;
const tickOf = (state) => state.tick;
const CALM = ['breaker_closed', 'job_ended'];

export function AlertsPlace() {
  const operations = useOperations();
  if (!operations) return html`<${Heading} title="Alerts" /><${Loading} what="what this broker can do" />`;
  return can('listAlerts') ? html`<${Alerts} />` : html`<${NowherePlace} />`;
}

/** Where its cause is looked at, in this page. */
function placeOf(alert) {
  if (alert.kind === 'ageing' && alert.case) return `/hospital/cases/${segment(alert.case)}`;
  if (alert.replay) return `/hospital/replays/${segment(alert.replay)}`;
  const field = alert.group ? ['group', alert.group] : alert.subscription ? ['subscription', alert.subscription] : null;
  return field ? to('/hospital/cases', { filter: `${term(...field)} state=admitted` }) : null;
}

function told(alert) {
  if (alert.deliveries.length === 0) return 'nobody was told';
  return alert.deliveries.map((one) => `${one.receiver}: ${words(one.outcome)}${one.outcome === 'delivered' ? ''
    : ` after ${some(one.attempts, 'attempt')}${one.last_answer ? ` (${one.last_answer})` : ''}`}`).join('; ');
}

function Alert({ alert }) {
  const place = placeOf(alert);
  const calm = CALM.includes(alert.kind);
  return html`<li><${Ago} at=${alert.at} /> <${Badge} tone=${calm ? 'calm' : 'warn'} icon=${calm ? 'good' : 'warn'}>
      ${words(alert.kind)}</${Badge}>
    <span><${Text} value=${alert.sentence} max=${400} />${place && html` <a href=${place}>Look</a>`}
      <div class="faint small">${alert.owner && html`of <${Text} value=${alert.owner} max=${80} />; `}
        ${alert.runbook && html`<${Runbook} value=${alert.runbook} text="runbook" />; `}
        <${Text} value=${told(alert)} max=${300} /></div></span></li>`;
}

function Alerts() {
  const tick = useStore(tickOf);
  const { items: alerts, problem, again, refresh, older } = useNewestFirst('listAlerts', QUERY, (alert) => alert.id);
  useEffect(() => { if (tick % LOOK_EVERY === 0) refresh(); }, [tick]);
  return html`<${Heading} title="Alerts" /><${HospitalTabs} />
    ${problem && html`<${ProblemNote} problem=${problem} again=${again} />`}
    ${!alerts && !problem && html`<${Loading} what="alerts" />`}
    ${alerts?.length === 0 && html`<${Empty} title="No alert yet">A new cause, a surge, a relapse, a case that
      nobody looks at, a circuit breaker that opens, a hospital that fills, and the end of a replay are told here, and
      to the webhooks of the configuration.</${Empty}>`}
    ${alerts?.length > 0 && html`<section class="card"><ol class="related">${alerts.map((alert) => html`<${Alert}
      key=${alert.id} alert=${alert} />`)}</ol>
      ${older && html`<button type="button" onClick=${older}>Older ones</button>`}</section>`}`;
}
