// All routes of the API but the stream of events, in an order in which each succeeds.
import type { Question } from './admin-stage.js'

/** Each with what makes it succeed. */
export const ROUTES: readonly Question[] = [
  { path: '/api/v1/session' },
  { path: '/api/v1/status' },
  { path: '/api/v1/listeners' },
  { path: '/api/v1/history' },
  { path: '/api/v1/history?range=day' },
  { path: '/api/v1/refusals?user=alice&sinceSeconds=60' },
  { path: '/api/v1/openapi.json' },
  { path: '/api/v1/clients?search=user&sort=user&order=desc&offset=1&limit=2' },
  { path: '/api/v1/clients/0-1' },
  { path: '/api/v1/users' },
  { path: '/api/v1/captures' },
  { path: '/api/v1/clients/0-1', method: 'DELETE' },
  { path: '/api/v1/users', method: 'POST', body: { name: 'bob', role: 'turn' } },
  { path: '/api/v1/users/turn/alice', method: 'PATCH', body: { disabled: true } },
  { path: '/api/v1/users/turn/alice', method: 'DELETE' },
  { path: '/api/v1/test-credentials', method: 'POST' },
  { path: '/api/v1/captures', method: 'POST', body: { client: '0-2', seconds: 10 } },
  { path: '/api/v1/captures/c1/stop', method: 'POST' },
  { path: '/api/v1/captures/c1/file' },
  { path: '/api/v1/captures/c1', method: 'DELETE' },
  { path: '/api/v1/reload', method: 'POST', body: { dryRun: true } },
  { path: '/api/v1/drain', method: 'POST', body: { timeoutSeconds: 5 } },
  { path: '/api/v1/session', method: 'DELETE' },
]
