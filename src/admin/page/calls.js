// The calls that the page makes: name -> method, path, and the parameters and fields that it may send. A test holds them
// against /openapi.json, and at run time the page offers only what that describes.
const cases = '/api/v1/hospital/cases';
const replays = '/api/v1/hospital/replays';

export const CALLS = {
  getOverview: { method: 'get', path: '/api/v1/overview' },
  getHealth: { method: 'get', path: '/healthz' },
  getStatus: { method: 'get', path: '/api/v1/status' },

  getQueue: { method: 'get', path: '/api/v1/queues/{name}' },
  patchQueue: { method: 'patch', path: '/api/v1/queues/{name}', fields: ['paused'] },
  whyQueue: { method: 'get', path: '/api/v1/queues/{name}/why' },
  peekQueue: { method: 'get', path: '/api/v1/queues/{name}/messages', query: ['count', 'from', 'state'] },
  getSubscription: { method: 'get', path: '/api/v1/subscriptions/{name}' },
  patchSubscription: { method: 'patch', path: '/api/v1/subscriptions/{name}', fields: ['paused'] },
  whySubscription: { method: 'get', path: '/api/v1/subscriptions/{name}/why' },
  peekSubscription: { method: 'get', path: '/api/v1/subscriptions/{name}/messages', query: ['count', 'from', 'state'] },
  listTopics: { method: 'get', path: '/api/v1/topics', query: ['cursor', 'limit'] },
  getTopic: { method: 'get', path: '/api/v1/topics/{name}' },

  listCases: {
    method: 'get', path: cases,
    query: ['cursor', 'limit'],
    // A broker takes the language, or single fields.
    anyQuery: ['filter', 'subscription', 'type', 'key', 'reason', 'state'],
  },
  countCases: { method: 'get', path: `${cases}/count`, query: ['filter'] },
  getCase: { method: 'get', path: `${cases}/{id}` },
  getCaseBody: { method: 'get', path: `${cases}/{id}/body` },
  replayCase: { method: 'post', path: `${cases}/{id}/replay`, fields: ['force'], anyField: ['to', 'keep_attempts'] },
  discardCase: { method: 'post', path: `${cases}/{id}/discard`, fields: ['reason'] },
  restoreCase: { method: 'post', path: `${cases}/{id}/restore` },
  editCase: { method: 'patch', path: `${cases}/{id}`, fields: ['body', 'body_base64', 'headers', 'note'] },
  getCaseVersion: { method: 'get', path: `${cases}/{id}/versions/{n}` },

  listGroups: { method: 'get', path: '/api/v1/hospital/groups', query: ['filter', 'sort', 'cursor', 'limit'] },
  getGroup: { method: 'get', path: '/api/v1/hospital/groups/{id}' },
  patchGroup: {
    method: 'patch', path: '/api/v1/hospital/groups/{id}', fields: ['note', 'owner', 'ticket', 'snoozed_until'],
  },
  getCorrelation: { method: 'get', path: '/api/v1/correlations/{id}' },

  listReplays: { method: 'get', path: replays, query: ['cursor', 'limit'] },
  createReplay: { method: 'post', path: replays, fields: ['filter', 'ids', 'rate', 'canary', 'dry_run'] },
  getReplay: { method: 'get', path: `${replays}/{id}` },
  listReplayCases: { method: 'get', path: `${replays}/{id}/cases`, query: ['outcome', 'cursor', 'limit'] },
  pauseReplay: { method: 'post', path: `${replays}/{id}/pause` },
  resumeReplay: { method: 'post', path: `${replays}/{id}/resume` },
  cancelReplay: { method: 'post', path: `${replays}/{id}/cancel` },
  recallReplay: { method: 'post', path: `${replays}/{id}/recall` },
};
