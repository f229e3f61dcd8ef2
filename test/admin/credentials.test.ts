// TURN REST credentials over HTTP: for who has a token of their own, and a token that opens nothing else.
import t from 'tap'
import { ask, bearer, logIn, openStage, type Question } from './support/admin-stage.js'

const TOKEN = 'a-token-of-credentials-01'
const path = '/api/v1/credentials'

t.test('POST /api/v1/credentials', async (t) => {
  t.test('is not there without a token, whoever asks', async (t) => {
    const { fake, server } = await openStage(t, { metricsTokens: ['a-token-of-metrics-01'] })
    for (const token of [TOKEN, 'a-token-of-metrics-01', await logIn(server)]) {
      const answer = await ask(server, { path, method: 'POST', headers: bearer(token), body: {} })
      t.equal(answer.status, 404)
      t.match(answer.json(), { code: 'NOT_FOUND', message: /--credentials-token-file/ })
    }
    t.same(fake.calls, [])
  })

  const { fake, logLines, server } = await openStage(t, {
    ...{ credentialsTokens: [TOKEN, 'a-newer-token-0123456'], metricsTokens: ['a-token-of-metrics-01'] },
  })
  const post = (body: unknown, token = TOKEN, question: Question = {}) =>
    ask(server, { path, method: 'POST', headers: bearer(token), body, ...question })

  t.test('is for the token alone, not for sessions and other tokens', async (t) => {
    fake.calls.length = 0
    for (const token of ['a-token-of-credentials-02', 'a-token-of-metrics-01', await logIn(server)]) {
      t.match((await post({}, token)).json(), { code: 'UNAUTHORIZED', message: /--credentials-token/ })
    }
    t.equal((await ask(server, { path, method: 'POST', body: {} })).status, 401)
    t.same(fake.calls, [])
    t.equal((await post({}, 'a-newer-token-0123456')).status, 200)
  })

  t.test('answers in the shape of the draft and of browsers, and keeps it out of every cache and log', async (t) => {
    fake.calls.length = 0
    logLines.length = 0
    const answer = await post({ user: 'alice', ttl: 3600 })
    t.equal(answer.status, 200)
    t.equal(answer.headers['cache-control'], 'no-store')
    const urls = ['turn:turn.example.org:3478?transport=udp']
    t.same(answer.json(), {
      ...{ username: '1800000000:alice', password: 'cGFzc3dvcmQ=', ttl: 3600, uris: urls },
      iceServers: [{ urls, username: '1800000000:alice', credential: 'cGFzc3dvcmQ=' }],
    })
    t.same(fake.calls, [['issueCredentials', 'alice', 3600]])
    t.match(
      logLines.filter(({ event }) => event === 'credentials-issued'),
      [{ user: 'alice', ttl: 3600, source: '127.0.0.1' }],
    )
    t.notMatch(JSON.stringify(logLines), /cGFzc3dvcmQ=|a-token-of/)
  })

  t.test('needs neither user nor ttl', async (t) => {
    fake.calls.length = 0
    t.equal((await post({})).status, 200)
    t.same(fake.calls, [['issueCredentials', '', null]])
  })

  t.test('says what is wrong, in JSON', async (t) => {
    fake.calls.length = 0
    for (const body of [{ ttl: 0 }, { ttl: 1.5 }, { ttl: '60' }, { ttl: 1e12 }, { user: 7 }, { name: 'alice' }, '{']) {
      const answer = await post(body, TOKEN, {
        headers: { ...bearer(TOKEN), 'content-type': 'application/json' },
      })
      t.equal(answer.status, 400, JSON.stringify(body))
      t.match(answer.json(), { code: String, message: String })
    }
    t.same(fake.calls, [])
  })

  t.test('is asked by GET as the draft has it, too', async (t) => {
    fake.calls.length = 0
    const get = (query: string) => ask(server, { path: `${path}?${query}`, headers: bearer(TOKEN) })
    t.equal((await get('service=turn&username=alice&ttl=60')).status, 200)
    t.same(fake.calls, [['issueCredentials', 'alice', 60]])
    t.equal((await get('service=stun')).status, 400)
    t.equal((await ask(server, { path: `${path}?service=turn` })).status, 401)
  })

  t.test('its token opens nothing else', async (t) => {
    for (const other of ['/api/v1/status', '/api/v1/users', '/api/v1/session']) {
      t.equal((await ask(server, { path: other, headers: bearer(TOKEN) })).status, 401, other)
    }
    const forwarded = { ...bearer(TOKEN), 'x-forwarded-for': '198.51.100.1' }
    t.equal((await ask(server, { path: '/metrics', headers: forwarded })).status, 401)
  })

  t.test('other tokens count from a reload on', async (t) => {
    server.setTokens([], ['another-token-0123456'])
    t.equal((await post({})).status, 401)
    t.equal((await post({}, 'another-token-0123456')).status, 200)
    server.setTokens([], [])
    t.equal((await post({}, 'another-token-0123456')).status, 404)
  })
})
