// Who may ask the admin plane: every route without a login, logins by password and by link, how many may fail, and how sessions end.
import t from 'tap'
import { LoginFailures } from '../../src/admin/http/login-failures.js'
import {
  LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX,
  LOGIN_FAILURES_PER_MINUTE_MAX,
  LOGIN_LINK_COUNT_MAX,
  LOGIN_LINK_LIFETIME_SECONDS,
  LOGIN_PENDING_COUNT_MAX,
  SESSION_LIFETIME_SECONDS,
  SESSION_OF_USER_COUNT_MAX,
} from '../../src/limits/admin.js'
import { type Asked, ask, bearer, logIn, openStage, type Question } from './support/admin-stage.js'
import { ADMIN } from './support/fake-administered.js'
import { ROUTES } from './support/routes.js'

const isChange = ({ method }: Question) => method !== undefined
const nameOf = ({ method = 'GET', path }: Question) => `${method} ${path}`
const cookieAt = (host: string) => `turnd_session_${host.replace(/.*:/, '')}`
const cookieOf = ({ address }: Asked) => `turnd_session_${address.port}`
const LOGIN = { method: 'POST', path: '/api/v1/session' } as const
const WRONG = { ...LOGIN, body: { ...ADMIN, password: 'wrong' } }

t.test('every route of the API', async (t) => {
  t.test('answers 401 without a login, and nothing happens', async (t) => {
    const { fake, server } = await openStage(t)
    for (const route of [...ROUTES, { path: '/api/v1/events' }]) {
      for (const headers of [
        {},
        bearer('x'),
        { cookie: `${cookieOf(server)}=x` },
        { authorization: 'Basic cm9vdDp4' },
      ]) {
        const answer = await ask(server, { ...route, headers })
        t.equal(answer.status, 401, nameOf(route))
        t.match(answer.json(), { statusCode: 401, code: 'UNAUTHORIZED', message: /POST \/api\/v1\/session/ })
      }
    }
    t.same(fake.calls, [])
  })

  t.test('answers with a bearer token, and with the cookie of a page of the same origin', async (t) => {
    const ways = [
      (token: string) => bearer(token),
      (token: string, host: string) => ({ cookie: `${cookieAt(host)}=${token}`, 'sec-fetch-site': 'same-origin' }),
      (token: string, host: string) => ({ cookie: `${cookieAt(host)}=${token}`, origin: `http://${host}`, host }),
    ]
    for (const way of ways) {
      const { server } = await openStage(t)
      const token = await logIn(server)
      for (const route of ROUTES) {
        const answer = await ask(server, { ...route, headers: way(token, `127.0.0.1:${server.address.port}`) })
        t.ok([200, 204].includes(answer.status), `${nameOf(route)}: ${answer.status} ${answer.text}`)
        t.equal(answer.headers['cache-control'], 'no-store')
      }
      t.equal((await ask(server, { path: '/api/v1/status', headers: bearer(token) })).status, 401, 'logged out')
    }
  })

  t.test('that changes something answers 403 to another site, although the browser sends the cookie', async (t) => {
    const { fake, server } = await openStage(t)
    const cookie = `${cookieOf(server)}=${await logIn(server)}`
    const host = `127.0.0.1:${server.address.port}`
    const others: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `https://${host}` },
      { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    ]
    for (const route of ROUTES.filter(isChange)) {
      for (const other of others) {
        const answer = await ask(server, { ...route, headers: { host, cookie, ...other } })
        t.equal(answer.status, 403, `${nameOf(route)} ${JSON.stringify(other)}`)
        t.match(answer.json(), { code: 'CROSS_ORIGIN', message: /Authorization: Bearer/ })
      }
    }
    t.same(fake.calls, [])
    t.equal((await ask(server, { path: '/api/v1/status', headers: { cookie } })).status, 200, 'reading is no change')
  })
})

t.test('a login', async (t) => {
  t.test('sets a cookie that scripts and other sites do not get', async (t) => {
    const { server } = await openStage(t)
    const answer = await ask(server, { ...LOGIN, body: ADMIN })
    t.equal(answer.status, 200)
    t.match(answer.json(), { user: 'root', token: /^[\w-]{43}$/ })
    const seconds = (Date.parse(answer.json<{ expiresTime: string }>().expiresTime) - Date.now()) / 1000
    t.ok(Math.abs(seconds - SESSION_LIFETIME_SECONDS) < 60, `${seconds}`)
    const [cookie] = answer.headers['set-cookie'] ?? []
    t.equal(cookie.split('=')[0], cookieOf(server))
    t.match(cookie, /^turnd_session_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
  })

  t.test('has a cookie for each port that a browser uses, also of tunnels to one server', async (t) => {
    const { server } = await openStage(t)
    for (const [host, name] of [
      ['localhost:9001', 'turnd_session_9001'],
      ['[::1]:9002', 'turnd_session_9002'],
      ['localhost', 'turnd_session_80'],
    ]) {
      const [cookie] = (await ask(server, { ...LOGIN, body: ADMIN, headers: { host } })).headers['set-cookie'] ?? []
      t.equal(cookie.split('=')[0], name)
      const asked = { path: '/api/v1/status', headers: { host, cookie: cookie.split(';')[0] } }
      t.equal((await ask(server, asked)).status, 200)
      const elsewhere = { ...asked.headers, host: 'localhost:9003' }
      t.equal((await ask(server, { ...asked, headers: elsewhere })).status, 401)
    }
  })

  t.test('says the same of a wrong password, of an unknown user and of one who is disabled', async (t) => {
    const { fake, server } = await openStage(t)
    const wrong = await ask(server, WRONG)
    const unknown = await ask(server, { ...LOGIN, body: { ...ADMIN, user: 'nobody' } })
    fake.userRows = fake.userRows.map((user) => ({ ...user, disabled: true }))
    const disabled = await ask(server, { ...LOGIN, body: ADMIN })
    for (const answer of [wrong, unknown, disabled]) {
      t.equal(answer.status, 401)
      t.equal(answer.text, wrong.text)
      t.equal(answer.headers['set-cookie'], undefined)
    }
  })

  t.test('of another site is refused', async (t) => {
    const { server } = await openStage(t)
    const answer = await ask(server, { ...LOGIN, body: ADMIN, headers: { origin: 'https://evil.example' } })
    t.equal(answer.status, 403)
    t.equal(answer.headers['set-cookie'], undefined)
  })

  t.test('may fail ten times a minute from one address, right passwords included then', async (t) => {
    const { passTime, server } = await openStage(t)
    for (let count = 0; count < LOGIN_FAILURES_PER_MINUTE_MAX; count++) t.equal((await ask(server, WRONG)).status, 401)
    const refused = await ask(server, { ...LOGIN, body: ADMIN })
    t.equal(refused.status, 429)
    t.match(refused.json(), { code: 'TOO_MANY_REQUESTS', message: /wait a minute/ })
    t.ok(await logIn(server, { localAddress: '127.0.0.2' }), 'another address may')
    passTime(60_001)
    t.ok(await logIn(server), 'and this one after a minute')
  })

  t.test('that is right does not count, however often', async (t) => {
    const { server } = await openStage(t)
    for (let count = 0; count < 2 * LOGIN_FAILURES_PER_MINUTE_MAX; count++) await logIn(server)
    t.equal((await ask(server, WRONG)).status, 401)
  })

  t.test('gets no more guesses by trying all of them at once', async (t) => {
    const { fake, server } = await openStage(t)
    let verified = 0
    const waiting: (() => void)[] = []
    fake.verifyAdmin = () =>
      new Promise((resolve) => {
        verified++
        waiting.push(() => resolve(false))
        if (verified === LOGIN_FAILURES_PER_MINUTE_MAX) setImmediate(() => waiting.forEach((end) => void end()))
      })
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(server, WRONG)))
    t.equal(verified, LOGIN_FAILURES_PER_MINUTE_MAX)
    t.equal(answers.filter(({ status }) => status === 401).length, LOGIN_FAILURES_PER_MINUTE_MAX)
    t.equal(answers.filter(({ status }) => status === 429).length, 30)
  })

  t.test('is logged with who, whence and how, and without what opens anything', async (t) => {
    const { fake, logLines, server } = await openStage(t)
    fake.userRows = [...fake.userRows, { ...fake.userRows[1], name: 'a\n\u001b[2J' }]
    const tokens = [await logIn(server), await logIn(server, { body: { ...ADMIN, user: 'a\n\u001b[2J' } })]
    const loginToken = server.loginLink().replace(/.*=/, '')
    tokens.push(await logIn(server, { body: { loginToken } }))
    const lines = logLines.filter(({ event }) => event === 'admin-login')
    t.match(lines, [
      { level: 30, user: 'root', source: '127.0.0.1', by: 'password' },
      { by: 'password' },
      { user: 'operator', by: 'link' },
    ])
    t.notMatch(`${lines[1].user}${lines[1].msg}`, /[\u0000-\u001f]/)
    for (const secret of [...tokens, loginToken, ADMIN.password]) t.notOk(JSON.stringify(logLines).includes(secret))
  })

  t.test('is logged when it is refused, with a name that breaks no line', async (t) => {
    const { logLines, server } = await openStage(t)
    await ask(server, { ...LOGIN, body: { user: 'a\n{"level":60}\u001b[2J\u202e', password: 'p455w0rd' } })
    const [line] = logLines.filter(({ event }) => event === 'admin-login-refused')
    t.match(line, { level: 40, source: '127.0.0.1' })
    t.notMatch(`${line.msg}${line.user}`, /[\u0000-\u001f\u202e]/)
    for (let count = 0; count < 10; count++) await ask(server, { ...WRONG, localAddress: '127.0.0.3' })
    t.ok(logLines.filter(({ event }) => event === 'admin-login-refused').length < 11, 'not one line for each')
    t.notMatch(JSON.stringify(logLines), /p455w0rd/)
  })

  t.test('says what is wrong with its body, and not what is in it', async (t) => {
    const { server } = await openStage(t)
    const bodies = [
      {},
      { user: 'root' },
      { ...ADMIN, more: 1 },
      { loginToken: 5 },
      { user: 'root', password: { hunter2: 1 } },
      [],
    ]
    for (const body of bodies) {
      const answer = await ask(server, { ...LOGIN, body })
      t.equal(answer.status, 400, JSON.stringify(body))
      t.notMatch(answer.text, /hunter2|correct horse/)
    }
  })
})

t.test('a login link', async (t) => {
  const tokenOf = (link: string) => new URL(link).hash.replace('#login=', '')
  const loginBy = (link: string): Question => ({ ...LOGIN, body: { loginToken: tokenOf(link) } })

  t.test('has the token in its fragment, and logs in once', async (t) => {
    const { server } = await openStage(t)
    const link = server.loginLink()
    t.equal(link.replace(/=.*/, ''), `http://127.0.0.1:${server.address.port}/#login`)
    const answer = await ask(server, loginBy(link))
    t.match(answer.json(), { user: 'operator' })
    t.equal(
      (await ask(server, { path: '/api/v1/status', headers: bearer(answer.json<{ token: string }>().token) })).status,
      200,
    )
    const again = await ask(server, loginBy(link))
    t.equal(again.status, 401)
    t.match(again.json(), { message: /turnd login/ })
  })

  t.test('is good for ten minutes', async (t) => {
    const { passTime, server } = await openStage(t)
    const [early, late] = [server.loginLink(), server.loginLink()]
    passTime(LOGIN_LINK_LIFETIME_SECONDS * 1000 - 1000)
    t.equal((await ask(server, loginBy(early))).status, 200)
    passTime(1001)
    t.equal((await ask(server, loginBy(late))).status, 401)
  })

  t.test('is one of a few: a new one makes the oldest void', async (t) => {
    const { server } = await openStage(t)
    const links = Array.from({ length: LOGIN_LINK_COUNT_MAX + 1 }, () => server.loginLink())
    t.equal((await ask(server, loginBy(links[0]))).status, 401)
    for (const link of links.slice(1)) t.equal((await ask(server, loginBy(link))).status, 200)
  })

  t.test('works from an address that has no guesses left, and a wrong one takes none', async (t) => {
    const { server } = await openStage(t)
    const wrongLink = { ...LOGIN, body: { loginToken: 'x' } }
    for (let count = 0; count <= LOGIN_FAILURES_PER_MINUTE_MAX; count++) {
      t.equal((await ask(server, wrongLink)).status, 401)
    }
    t.ok(await logIn(server), 'a password counts by itself')
    for (let count = 0; count < LOGIN_FAILURES_PER_MINUTE_MAX; count++) await ask(server, WRONG)
    t.match((await ask(server, WRONG)).json(), { statusCode: 429, message: /use the link of turnd login/ })
    t.equal((await ask(server, loginBy(server.loginLink()))).status, 200)
    t.equal((await ask(server, wrongLink)).status, 401)
  })
})

t.test('logins by password', async (t) => {
  t.test('of this machine go on while others have used up those of all', async (t) => {
    const failures = new LoginFailures(() => 0)
    const sources = Array.from({ length: LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX }, (_, index) => `source ${index}`)
    for (const source of sources) t.equal(await failures.attempt(source, false, async () => false), false)
    t.equal(await failures.attempt('another', false, async () => true), 'all')
    t.equal(await failures.attempt('another', true, async () => true), true)
  })

  t.test('wait while too many are under way', async (t) => {
    const failures = new LoginFailures(() => 0)
    const ends: ((isRight: boolean) => void)[] = []
    const pending = Array.from({ length: LOGIN_PENDING_COUNT_MAX }, (_, index) =>
      failures.attempt(`source ${index}`, true, () => new Promise<boolean>((resolve) => void ends.push(resolve))),
    )
    t.equal(await failures.attempt('another', true, async () => true), 'busy')
    for (const end of ends) end(true)
    await Promise.all(pending)
    t.equal(await failures.attempt('another', true, async () => true), true)
  })
})

t.test('a session', async (t) => {
  const isIn = async (server: Parameters<typeof ask>[0], token: string) =>
    (await ask(server, { path: '/api/v1/session', headers: bearer(token) })).status === 200

  t.test('ends after twelve hours, used or not', async (t) => {
    const { passTime, server } = await openStage(t)
    const token = await logIn(server)
    passTime(SESSION_LIFETIME_SECONDS * 1000 - 1000)
    t.ok(await isIn(server, token))
    passTime(1001)
    t.notOk(await isIn(server, token))
  })

  t.test('ends when its user is no admin any more, and does not come back with it', async (t) => {
    const { fake, server } = await openStage(t)
    const token = await logIn(server)
    const users = fake.userRows
    fake.userRows = users.map((user) => ({ ...user, disabled: true }))
    t.notOk(await isIn(server, token))
    fake.userRows = users
    t.notOk(await isIn(server, token))
  })

  t.test('ends with the password that it began with', async (t) => {
    const { fake, server } = await openStage(t)
    const token = await logIn(server)
    await fake.changeUser(ADMIN.user, 'admin', { password: 'another of its kind' })
    t.notOk(await isIn(server, token))
    t.ok(await isIn(server, await logIn(server)))
  })

  t.test('makes the oldest of its user end when there are too many', async (t) => {
    const { fake, server } = await openStage(t)
    fake.userRows = [...fake.userRows, { ...fake.userRows[1], name: 'other' }]
    const other = await logIn(server, { body: { ...ADMIN, user: 'other' } })
    const tokens: string[] = []
    for (let count = 0; count <= SESSION_OF_USER_COUNT_MAX; count++) tokens.push(await logIn(server))
    t.notOk(await isIn(server, tokens[0]))
    t.ok(await isIn(server, tokens[1]))
    t.ok(await isIn(server, other))
  })
})
