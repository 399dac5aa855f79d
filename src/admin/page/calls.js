// The calls that the page makes: name -> method, path, and the parameters and fields that it may send. A test holds
// them against /openapi.json, and at run time the page offers only what that describes. Calls of a `family` come
// together.
const cases = '/api/v1/hospital/cases';
const replays = '/api/v1/hospital/replays';
const quarantines = '/api/v1/hospital/quarantines';

export const CALLS = {
  getOverview: { method: 'get', path: '/api/v1/overview' },
  getHealth: { method: 'get', path: '/healthz' },
  getQueue: { method: 'get', path: '/api/v1/queues/{name}' },
  patchQueue: { method: 'patch', path: '/api/v1/queues/{name}', fields: ['paused'] },
  whyQueue: { method: 'get', path: '/api/v1/queues/{name}/why' },
  peekQueue: { method: 'get', path: '/api/v1/queues/{name}/messages', query: ['count', 'from', 'state'] },
  getSubscription: { method: 'get', path: '/api/v1/subscriptions/{name}' },
  patchSubscription: { method: 'patch', path: '/api/v1/subscriptions/{name}', fields: ['paused'] },
  whySubscription: { method: 'get', path: '/api/v1/subscriptions/{name}/why' },
  peekSubscription: { method: 'get', path: '/api/v1/subscriptions/{name}/messages', query: ['count', 'from', 'state'] },
  listTopics: { method: 'get', path: '/api/v1/topics', query: ['cursor', 'limit'] },
  peekTopic: { method: 'get', path: '/api/v1/topics/{name}/messages', query: ['count', 'from'] },
  getTopic: { method: 'get', path: '/api/v1/topics/{name}' },

  listCases: {
    method: 'get', path: cases,
    query: ['cursor', 'limit'],
    // A broker takes the language, or single fields.
    anyQuery: ['filter', 'subscription', 'type', 'key', 'reason', 'state'],
  },
  countCases: { family: 'groups', method: 'get', path: `${cases}/count`, query: ['filter', 'cursor'] },
  getCase: { method: 'get', path: `${cases}/{id}` },
  getCaseBody: { method: 'get', path: `${cases}/{id}/body` },
  replayCase: { method: 'post', path: `${cases}/{id}/replay`, fields: ['to', 'keep_attempts', 'force'] },
  discardCase: { method: 'post', path: `${cases}/{id}/discard`, fields: ['reason'] },
  restoreCase: { family: 'cure', method: 'post', path: `${cases}/{id}/restore` },
  discardCases: {
    family: 'many', method: 'post', path: '/api/v1/hospital/discards',
    fields: ['filter', 'all', 'reason', 'cursor', 'dry_run'],
  },
  restoreCases: {
    family: 'many', method: 'post', path: '/api/v1/hospital/restores', fields: ['filter', 'all', 'cursor', 'dry_run'],
  },
  editCase: { family: 'cure', method: 'patch', path: `${cases}/{id}`, fields: ['body', 'headers', 'note'] },
  previewEdit: { family: 'cure', method: 'post', path: `${cases}/{id}/diff`, fields: ['body', 'headers'] },
  getCaseDiff: { family: 'cure', method: 'get', path: `${cases}/{id}/diff`, query: ['from', 'to'] },
  getAcknowledgedLike: { family: 'cure', method: 'get', path: `${cases}/{id}/acknowledged` },

  listGroups: {
    family: 'groups', method: 'get', path: '/api/v1/hospital/groups', query: ['filter', 'sort', 'cursor', 'limit'],
  },
  getGroup: { family: 'groups', method: 'get', path: '/api/v1/hospital/groups/{id}' },
  patchGroup: {
    family: 'groups', method: 'patch', path: '/api/v1/hospital/groups/{id}',
    fields: ['note', 'owner', 'ticket', 'snoozed_until', 'snoozed_until_version', 'snoozed_until_rate'],
  },
  getCorrelation: { family: 'groups', method: 'get', path: '/api/v1/correlations/{id}' },

  listQuarantines: {
    family: 'quarantines', method: 'get', path: quarantines, query: ['subscription', 'cursor', 'limit'],
  },
  addQuarantine: {
    family: 'quarantines', method: 'post', path: quarantines,
    fields: ['subscription', 'filter', 'type', 'key', 'reason', 'until'],
  },
  liftQuarantine: {
    family: 'quarantines', method: 'delete', path: `${quarantines}/{id}`,
    query: ['release', 'rate', 'concurrency', 'canary', 'canary_needed', 'stop_at_failure_ratio', 'after_version',
      'force'],
  },

  listAlerts: { family: 'alerts', method: 'get', path: '/api/v1/alerts', query: ['cursor', 'limit'] },

  listAudit: {
    family: 'audit', method: 'get', path: '/api/v1/audit',
    query: ['actor', 'operation', 'target', 'since', 'cursor', 'limit'],
  },

  listReplays: { family: 'replays', method: 'get', path: replays, query: ['cursor', 'limit'] },
  createReplay: {
    family: 'replays', method: 'post', path: replays,
    fields: ['filter', 'ids', 'rate', 'concurrency', 'canary', 'canary_needed', 'stop_at_failure_ratio',
      'after_version', 'keep_attempts', 'to', 'force', 'dry_run'],
  },
  getReplay: { family: 'replays', method: 'get', path: `${replays}/{id}` },
  listReplayCases: {
    family: 'replays', method: 'get', path: `${replays}/{id}/cases`,
    query: ['outcome', 'subscription', 'cursor', 'limit'],
  },
  pauseReplay: { family: 'replays', method: 'post', path: `${replays}/{id}/pause` },
  resumeReplay: { family: 'replays', method: 'post', path: `${replays}/{id}/resume` },
  cancelReplay: { family: 'replays', method: 'post', path: `${replays}/{id}/cancel` },
  recallReplay: { family: 'replays', method: 'post', path: `${replays}/{id}/recall` },
};
