// The parts of the hospital, as links above each of them.
import { html } from '../view.js';
import { can, useOperations } from '../api.js';
import { useStore } from '../store.js';

const pathOf = (state) => state.address.path;

export function HospitalTabs() {
  useOperations();
  const path = useStore(pathOf);
  const tabs = [
    can('listGroups') && ['/hospital', 'Groups'],
    ['/hospital/cases', 'Cases'],
    can('listReplays') && ['/hospital/replays', 'Replays'],
    can('listQuarantines') && ['/hospital/quarantine', 'Quarantine'],
    can('listAlerts') && ['/hospital/alerts', 'Alerts'],
    can('listAudit') && ['/hospital/audit', 'Audit'],
  ].filter(Boolean);
  if (tabs.length === 1) return null;
  return html`<nav class="subnav" aria-label="Hospital">${tabs.map(([to, text]) => html`<a key=${to} href=${to}
    aria-current=${path === to ? 'page' : undefined}>${text}</a>`)}</nav>`;
}
