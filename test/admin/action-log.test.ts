// What the log tells of changes through the API: one line each, with who, whence, what and to whom; none of what only reads, failed or was a rehearsal.
import t from 'tap'
import { ask, bearer, logIn, openStage, type Question } from './support/admin-stage.js'
import { ADMIN } from './support/fake-administered.js'
import { ROUTES } from './support/routes.js'

const LINES = [
  ['DELETE /api/v1/clients/:id', '0-1', ''],
  ['POST /api/v1/users', 'turn/bob', ''],
  ['PATCH /api/v1/users/:role/:name', 'turn/alice', 'disabled=true'],
  ['DELETE /api/v1/users/:role/:name', 'turn/alice', ''],
  ['POST /api/v1/test-credentials', '', ''],
  ['POST /api/v1/captures', '0-2', 'seconds=10'],
  ['POST /api/v1/captures/:id/stop', 'c1', ''],
  ['GET /api/v1/captures/:id/file', 'c1', ''],
  ['DELETE /api/v1/captures/:id', 'c1', ''],
  ['POST /api/v1/drain', '', 'timeoutSeconds=5'],
  ['DELETE /api/v1/session', '', ''],
]

t.test('each change through the API has a line in the log', async (t) => {
  t.test('that says who did what to whom, from where', async (t) => {
    const { logLines, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    for (const route of [...ROUTES, { path: '/api/v1/status', method: 'HEAD' }])
      await ask(server, { ...route, headers })
    const lines = logLines.filter(({ event }) => event === 'admin-action')
    t.same(
      lines.map(({ action, given, target }) => [action, target, given]),
      LINES,
    )
    for (const line of lines) t.match(line, { level: 30, user: ADMIN.user, source: '127.0.0.1' })
    t.equal(lines[2].msg, '"root" from 127.0.0.1: Change a user, turn/alice, disabled=true')
  })

  t.test('a reload too, unless it is a rehearsal; and nothing that failed', async (t) => {
    const { logLines, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const failing: Question[] = [
      { path: '/api/v1/clients/0-99', method: 'DELETE' },
      { path: '/api/v1/users', method: 'POST', body: { name: 'alice', role: 'turn' } },
      { path: '/api/v1/users', method: 'POST', body: { name: 5 } },
      { path: '/api/v1/reload', method: 'POST', body: { dryRun: true } },
    ]
    for (const question of failing) await ask(server, { ...question, headers })
    await ask(server, { path: '/api/v1/drain', method: 'POST' })
    await ask(server, { path: '/api/v1/reload', method: 'POST', headers })
    const actions = logLines.filter(({ event }) => event === 'admin-action').map(({ action }) => action)
    t.same(actions, ['POST /api/v1/reload'])
  })

  t.test('without passwords, and with names that break no line', async (t) => {
    const { logLines, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const name = 'a\n\u001b[2J\u202e'
    const password = 'hunter2-hunter2'
    await ask(server, { path: '/api/v1/users', method: 'POST', body: { name, role: 'turn', password }, headers })
    await ask(server, { path: '/api/v1/users/turn/alice', method: 'PATCH', body: { password }, headers })
    const lines = logLines.filter(({ event }) => event === 'admin-action')
    t.same(
      lines.map(({ given }) => given),
      ['password', 'password'],
    )
    t.notMatch(`${lines[0].msg}${lines[0].target}`, /[\u0000-\u001f\u202e]/)
    t.notOk(JSON.stringify(logLines).includes(password))
  })
})
