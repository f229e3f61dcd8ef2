// The CMS API: forms in, XML out, byte for byte; who may ask; what is kept. Over a server that is made up, whose objects stand for nothing that runs:
// what is measured is in test/command/cms-status.test.ts.
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { element, xmlDocument } from '../../src/admin/cms/xml.js'
import {
  ADMIN_BODY_BYTES_MAX,
  BASIC_LOGIN_LIFETIME_SECONDS,
  LOGIN_FAILURES_PER_MINUTE_MAX,
} from '../../src/limits/admin.js'
import { CMS_ADDRESS_LENGTH_MAX, CMS_TURN_SERVER_COUNT_MAX } from '../../src/limits/cms.js'
import { USERNAME_LENGTH_MAX } from '../../src/limits/messages.js'
import { temporaryDirectory } from '../support/certificate.js'
import { type AdminStage, type Answer, ask, logIn, openStage, type Question } from './support/admin-stage.js'
import { ADMIN } from './support/fake-administered.js'

const PATH = '/api/v1/turnServers'
const FORM = 'application/x-www-form-urlencoded'
const XML = '<?xml version="1.0"?>'
const NO_SUCH_ID = '00000000-0000-4000-8000-000000000000'
/** Nobody is there, and the answer comes at once. */
const OCTAVIO = {
  ...{ serverAddress: '127.0.0.1:1', clientAddress: '10.88.246.156', username: 'turnuser', password: 'c1sc0&<x' },
  ...{ type: 'standard', tcpPortNumberOverride: '1' },
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const RIGHT = basic(ADMIN.user, ADMIN.password)

interface CmsStage extends AdminStage {
  readonly stateDirectory: string
  /** As the admin user. */
  cms(method: string, path?: string, form?: Readonly<Record<string, string>> | string, more?: Question): Promise<Answer>
  /** Its id. */
  create(form?: Readonly<Record<string, string>>): Promise<string>
}

async function openCms(t: Test, stateDirectory = temporaryDirectory(), isKept = true): Promise<CmsStage> {
  const stage = await openStage(t, isKept ? { stateDirectory } : {})
  const cms: CmsStage['cms'] = (method, path = '', form, more = {}) => {
    const body = form === undefined ? {} : { body: typeof form === 'string' ? form : `${new URLSearchParams(form)}` }
    const headers = { ...RIGHT, ...(form === undefined ? {} : { 'content-type': FORM }), ...more.headers }
    return ask(stage.server, { method, path: `${PATH}${path}`, ...body, ...more, headers })
  }
  const create = async (form: Readonly<Record<string, string>> = OCTAVIO) => {
    const { headers, status, text } = await cms('POST', '', form)
    if (status !== 200) throw new Error(`${status} ${text}`)
    return `${headers.location}`.slice(PATH.length + 1)
  }
  return { ...stage, stateDirectory, cms, create }
}

const failure = (name: string) => `${XML}<failureDetails><${name}/></failureDetails>`
const parameterErrors = (...errors: [string, string][]) => {
  const elements = errors.map(([parameter, error]) => `<parameterError parameter="${parameter}" error="${error}"/>`)
  return `${XML}<failureDetails>${elements.join('')}</failureDetails>`
}

t.test('the TURN servers of a call bridge', async (t) => {
  const { cms, create, stateDirectory } = await openCms(t)
  t.test('are listed with their addresses, in the order of their creation, by filter, offset and limit', async (t) => {
    const list = async (query = '') => (await cms('GET', query)).text
    t.equal(await list(), `${XML}<turnServers total="0"/>`)
    const one = await create()
    const two = await create({ serverAddress: 'VCSE.octavio.invalid' })
    const first = `<turnServer id="${one}"><serverAddress>127.0.0.1:1</serverAddress><clientAddress>10.88.246.156</clientAddress></turnServer>`
    const second = `<turnServer id="${two}"><serverAddress>VCSE.octavio.invalid</serverAddress></turnServer>`
    const answer = await cms('GET')
    t.equal(answer.text, `${XML}<turnServers total="2">${first}${second}</turnServers>`)
    t.equal(answer.headers['content-type'], 'text/xml')
    t.equal(await list('/'), answer.text)
    t.equal(await list('?filter=vcse'), `${XML}<turnServers total="1">${second}</turnServers>`)
    t.equal(await list('?filter=88.246'), `${XML}<turnServers total="1">${first}</turnServers>`)
    t.equal(await list('?filter=turnuser'), `${XML}<turnServers total="0"/>`)
    t.equal(await list('?filter='), answer.text)
    t.equal(await list('?offset=1'), `${XML}<turnServers total="2">${second}</turnServers>`)
    t.equal(await list('?limit=1'), `${XML}<turnServers total="2">${first}</turnServers>`)
    t.equal(await list('?offset=1&limit=5'), `${XML}<turnServers total="2">${second}</turnServers>`)
    t.equal(await list('?offset=20&limit=10'), `${XML}<turnServers total="2"/>`)
    t.equal(await list('?limit=0'), `${XML}<turnServers total="2"/>`)
    for (const [query, error] of [
      ['offset=-1', ['offset', 'invalidValue']],
      ['limit=x', ['limit', 'invalidValue']],
      ['limit=1.5', ['limit', 'invalidValue']],
      ['limit=1&limit=2', ['limit', 'repeated']],
      ['tenantFilter=1', ['tenantFilter', 'unrecognized']],
    ] as const) {
      const refused = await cms('GET', `?${query}`)
      t.equal(refused.status, 400, query)
      t.equal(refused.text, parameterErrors([...error]), query)
    }
  })

  t.test('are made by POST: 200 without a body, and Location with a UUID', async (t) => {
    const answer = await cms('POST', '', OCTAVIO)
    t.equal(answer.status, 200)
    t.match(
      answer.headers.location,
      /^\/api\/v1\/turnServers\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    t.equal(answer.headers['content-length'], '0')
    t.equal(answer.headers['content-type'], undefined)
    t.equal(answer.headers['cache-control'], 'no-store')
  })

  t.test('are told one by one, in the order of a CMS, with everything but the password', async (t) => {
    const id = await create()
    const fields = [
      '<serverAddress>127.0.0.1:1</serverAddress><clientAddress>10.88.246.156</clientAddress><numRegistrations>0</numRegistrations>',
      '<username>turnuser</username><type>standard</type><tcpPortNumberOverride>1</tcpPortNumberOverride>',
    ]
    t.equal((await cms('GET', `/${id}`)).text, `${XML}<turnServer id="${id}">${fields.join('')}</turnServer>`)
    t.equal((await cms('GET', `/${id.toUpperCase()}`)).status, 200)
    const bare = await create({ serverAddress: '::1' })
    t.equal(
      (await cms('GET', `/${bare}`)).text,
      `${XML}<turnServer id="${bare}"><serverAddress>::1</serverAddress><numRegistrations>0</numRegistrations><type>standard</type></turnServer>`,
    )
    for (const path of ['', `/${id}`, `/${id}/status`]) t.notMatch((await cms('GET', path)).text, /c1sc0/)
  })

  t.test('are changed by PUT: what is named, and an empty value unsets it', async (t) => {
    const id = await create()
    const kept = () => JSON.parse(readFileSync(join(stateDirectory, 'turn-servers.json'), 'utf8')).turnServers.at(-1)
    const before = { id, ...OCTAVIO, tcpPortNumberOverride: 1 }
    t.same(kept(), before)
    const put = async (form: Readonly<Record<string, string>> | string) => {
      const answer = await cms('PUT', `/${id}`, form)
      t.equal(answer.status, 200, answer.text)
      t.equal(answer.text, '')
      return kept()
    }
    t.same(await put({ password: 'p&=+ü %41' }), { ...before, password: 'p&=+ü %41' })
    t.same(await put({ type: 'expressway', tcpPortNumberOverride: '443' }), {
      ...{ ...before, password: 'p&=+ü %41', type: 'expressway', tcpPortNumberOverride: 443 },
    })
    t.same(await put('type=&tcpPortNumberOverride=&username=&clientAddress=&password=&numRegistrations=0'), {
      ...{ id, serverAddress: '127.0.0.1:1', clientAddress: '', username: '', password: '' },
      ...{ type: 'standard', tcpPortNumberOverride: null },
    })
    for (const type of ['standard', 'acano', 'lyncEdge', 'expressway', 'cms']) t.equal((await put({ type })).type, type)
    t.equal((await put('')).type, 'cms', 'nothing is named, nothing is changed')
  })

  t.test('are gone after DELETE', async (t) => {
    const id = await create()
    const other = await create()
    const count = async () => Number(/total="(\d+)"/.exec((await cms('GET')).text)?.[1])
    const before = await count()
    const answer = await cms('DELETE', `/${id}`)
    t.equal(answer.status, 200)
    t.equal(answer.text, '')
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/status'],
      ['PUT', ''],
      ['DELETE', ''],
    ]) {
      const gone = await cms(method, `/${id}${path}`, method === 'PUT' ? { type: 'cms' } : undefined)
      t.equal(gone.status, 404)
      t.equal(gone.text, failure('turnServerDoesNotExist'))
    }
    t.equal(await count(), before - 1)
    t.match((await cms('GET')).text, other)
    t.equal((await cms('GET', '/x')).text, failure('turnServerDoesNotExist'))
  })

  t.test('say all that is wrong with their parameters, and nothing is changed', async (t) => {
    const list = (await cms('GET')).text
    const address = (serverAddress: string) => new URLSearchParams({ serverAddress }).toString()
    const cases: [string, ...[string, string][]][] = [
      ['', ['serverAddress', 'missing']],
      ['serverAddress=', ['serverAddress', 'missing']],
      ['serverAddress=a&type=foo&x=1', ['type', 'invalidValue'], ['x', 'unrecognized']],
      ['serverAddress=a&serverAddress=b', ['serverAddress', 'repeated']],
      ['serverAddress=a&tcpPortNumberOverride=0', ['tcpPortNumberOverride', 'invalidValue']],
      ['serverAddress=a&tcpPortNumberOverride=65536', ['tcpPortNumberOverride', 'invalidValue']],
      ['serverAddress=a&tcpPortNumberOverride=%2B1', ['tcpPortNumberOverride', 'invalidValue']],
      ['serverAddress=a&numRegistrations=1', ['numRegistrations', 'invalidValue']],
      ['serverAddress=a&username=a%0Ab', ['username', 'invalidValue']],
      [`serverAddress=a&password=${'x'.repeat(USERNAME_LENGTH_MAX + 1)}`, ['password', 'valueTooLong']],
      [address('x'.repeat(CMS_ADDRESS_LENGTH_MAX + 1)), ['serverAddress', 'valueTooLong']],
      ['serverAddress=a&__proto__=1&constructor=2', ['__proto__', 'unrecognized'], ['constructor', 'unrecognized']],
      [`serverAddress=a&${'y'.repeat(100)}=1`, ['y'.repeat(40), 'unrecognized']],
      ['serverAddress=a&%22%3E%3Cb%3E=1', ['&quot;&gt;&lt;b&gt;', 'unrecognized']],
    ]
    for (const host of [
      ...['a b', 'a/b', 'turn:a', 'http://a', 'user@a', '-a', '1.2.3', '1.2.3.4.5', '[::1', '::1::', 'a:0', 'a:65536'],
      ...['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', '[ff02::1]:3478', 'a\u0000'],
      ...['[::ffff:0.0.0.0]:3478', '::ffff:224.0.0.1', '64:ff9b::e000:1', '0x7f.1', 'a.0x7f000001'],
    ]) {
      cases.push([address(host), ['serverAddress', 'invalidValue']])
    }
    for (const [body, ...errors] of cases) {
      const answer = await cms('POST', '', body)
      t.equal(answer.status, 400, body)
      t.equal(answer.text, parameterErrors(...errors), body)
    }
    t.equal((await cms('POST')).text, parameterErrors(['serverAddress', 'missing']), 'no body at all')
    t.equal((await cms('GET')).text, list)
    const id = await create()
    const before = (await cms('GET', `/${id}`)).text
    const refused = await cms('PUT', `/${id}`, 'type=cms&serverAddress=')
    t.equal(refused.text, parameterErrors(['serverAddress', 'missing']))
    t.equal((await cms('GET', `/${id}`)).text, before)
    for (const serverAddress of ['a', 'A.example.', '192.0.2.1', '192.0.2.1:5', '2001:db8::1', '[2001:db8::1]:5']) {
      t.equal((await cms('PUT', `/${id}`, { serverAddress })).status, 200, serverAddress)
    }
  })

  t.test(`are ${CMS_TURN_SERVER_COUNT_MAX} at most`, async (t) => {
    const stateDirectory = temporaryDirectory()
    const kept = Array.from({ length: CMS_TURN_SERVER_COUNT_MAX - 1 }, (_, index) => {
      return { id: `${index}`, ...OCTAVIO, tcpPortNumberOverride: 1 }
    })
    writeFileSync(join(stateDirectory, 'turn-servers.json'), JSON.stringify({ version: 1, turnServers: kept }))
    const { cms } = await openCms(t, stateDirectory)
    // Two at once are one after the other.
    const answers = await Promise.all([cms('POST', '', OCTAVIO), cms('POST', '', OCTAVIO)])
    t.same(answers.map(({ status }) => status).sort(), [200, 400])
    t.equal(answers.find(({ status }) => status === 400)?.text, failure('tooManyTurnServers'))
    t.match((await cms('GET')).text, `total="${CMS_TURN_SERVER_COUNT_MAX}"`)
  })

  t.test('are asked for by other methods, bodies and paths in vain', async (t) => {
    const id = await create()
    const wrong: [string, string, string][] = [
      ...['PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method): [string, string, string] => [
        method,
        '',
        'GET, HEAD, POST',
      ]),
      ...['POST', 'PATCH', 'OPTIONS'].map((method): [string, string, string] => [
        method,
        `/${id}`,
        'GET, HEAD, PUT, DELETE',
      ]),
      ...['POST', 'PUT', 'DELETE'].map((method): [string, string, string] => [method, `/${id}/status`, 'GET, HEAD']),
    ]
    for (const [method, path, allowed] of wrong) {
      const answer = await cms(method, path)
      t.equal(answer.status, 405, `${method} ${path}`)
      t.equal(answer.headers.allow, allowed)
      t.match(answer.text, /^<\?xml version="1.0"\?><failureDetails><methodNotAllowed>/)
    }
    for (const path of [`/${id}/`, `/${id}/x`, `/${id}/status/x`]) {
      const answer = await cms('GET', path)
      t.equal(answer.status, 404, path)
      t.equal(answer.text, failure('unrecognizedObject'))
    }
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/xml']) {
      const answer = await cms('POST', '', 'serverAddress=a', { headers: { 'content-type': type } })
      t.equal(answer.status, 415, type)
      t.match(answer.text, /<unsupportedMediaType>.*x-www-form-urlencoded/)
    }
    const more = { headers: { 'content-type': `${FORM}; charset=UTF-8` } }
    t.equal((await cms('POST', '', 'serverAddress=127.0.0.1:1', more)).status, 200)
    const large = await cms('POST', '', `serverAddress=${'a'.repeat(ADMIN_BODY_BYTES_MAX)}`)
    t.equal(large.status, 413)
    t.match(large.text, /<failureDetails><tooLarge>/)
    t.equal((await cms('HEAD', `/${id}`)).status, 200)
  })
})

t.test('who may ask', async (t) => {
  t.test('an admin user by Basic, and nobody else: not by a session, nor by nothing', async (t) => {
    const { cms, create, server } = await openCms(t)
    const id = await create()
    const token = await logIn(server)
    const strangers: Record<string, string | undefined>[] = [
      { authorization: undefined },
      { authorization: `Bearer ${token}` },
      { authorization: undefined, cookie: `turnd_session_${server.address.port}=${token}` },
      { authorization: 'Basic' },
      { authorization: 'Basic ????' },
      basic('', ''),
      basic('root', ''),
      basic('', ADMIN.password),
      basic('root', 'x'.repeat(2000)),
      basic('root', 'wrong'),
      basic('nobody', ADMIN.password),
    ]
    for (const headers of strangers) {
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', `/${id}`],
        ['PATCH', ''],
      ]) {
        if (headers.authorization?.length === RIGHT.authorization.length && method !== 'GET') continue
        const answer = await cms(method, path, undefined, { headers: headers as Record<string, string> })
        t.equal(answer.status, 401, JSON.stringify(headers))
        t.equal(answer.headers['www-authenticate'], 'Basic realm="turnd", charset="UTF-8"')
        t.match(answer.text, /<failureDetails><unauthorized>.*admin user/)
        if (headers === strangers.at(-1)) break
      }
    }
    t.equal((await cms('GET', `/${id}`)).status, 200)
    t.equal((await cms('GET', '', undefined, { headers: basic('root', 'a:b') })).status, 401, 'a colon is a character')
  })

  t.test('nobody whom another site sends, although a browser sends the password by itself', async (t) => {
    const { cms, server } = await openCms(t)
    const host = `127.0.0.1:${server.address.port}`
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]
    for (const headers of foreign) {
      for (const method of ['GET', 'POST']) {
        const answer = await cms(method, '', method === 'POST' ? OCTAVIO : undefined, { headers })
        t.equal(answer.status, 403, JSON.stringify(headers))
        t.match(answer.text, /<failureDetails><forbidden>a browser sends this for another site/)
      }
    }
    const typed = { headers: { 'sec-fetch-site': 'none' } }
    t.equal((await cms('GET', '', undefined, typed)).status, 200, 'somebody looks at it')
    t.equal((await cms('POST', '', OCTAVIO, typed)).status, 403)
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: `http://${host}`, host }]) {
      t.equal((await cms('POST', '', OCTAVIO, { headers })).status, 200)
    }
    t.equal((await cms('GET', '', undefined, { headers: { host: 'evil.example' } })).status, 421)
  })

  t.test(
    'without a hash for each request: a right password is known for a while, until its user changes',
    async (t) => {
      const { cms, fake, logLines, passTime } = await openCms(t)
      let verified = 0
      const verify = fake.verifyAdmin.bind(fake)
      fake.verifyAdmin = (name, password) => {
        verified++
        return verify(name, password)
      }
      await Promise.all([cms('GET'), cms('GET'), cms('GET')])
      for (let count = 0; count < 5; count++) t.equal((await cms('GET')).status, 200)
      t.equal(verified, 1)
      t.equal(logLines.filter(({ by, event }) => event === 'admin-login' && by === 'basic').length, 1)
      await cms('GET', '', undefined, { localAddress: '127.0.0.2' })
      t.equal(verified, 2, 'another source is another login')
      passTime(BASIC_LOGIN_LIFETIME_SECONDS * 1000 + 1)
      await cms('GET')
      t.equal(verified, 3)
      fake.adminPasswordCount++
      await cms('GET')
      t.equal(verified, 4, 'with another password it is asked again')
      fake.userRows = fake.userRows.map((user) => ({ ...user, disabled: true }))
      t.equal((await cms('GET')).status, 401)
      t.equal(verified, 5)
    },
  )

  t.test('and fails as often as by the login of the page, both counted together', async (t) => {
    const { cms, logLines, server } = await openCms(t)
    const wrong = { headers: basic(ADMIN.user, 'p455w0rd') }
    const login = { method: 'POST', path: '/api/v1/session', body: { ...ADMIN, password: 'wrong' } }
    t.equal((await ask(server, login)).status, 401)
    for (let count = 1; count < LOGIN_FAILURES_PER_MINUTE_MAX; count++) {
      t.equal((await cms('GET', '', undefined, wrong)).status, 401)
    }
    const refused = await cms('GET')
    t.equal(refused.status, 429, 'the right one, too')
    t.match(refused.text, /<tooManyRequests>.*wait a minute/)
    t.equal((await ask(server, { ...login, body: ADMIN })).status, 429)
    const [, line] = logLines.filter(({ event }) => event === 'admin-login-refused')
    t.match(line, { user: ADMIN.user, source: '127.0.0.1' })
    t.notMatch(JSON.stringify(logLines), /p455w0rd/)
  })

  t.test('and leaves a line in the log for a change: who, what, and of secrets only that there was one', async (t) => {
    const { cms, create, logLines } = await openCms(t)
    const id = await create()
    await cms('PUT', `/${id}`, { password: 'hunter2' })
    await cms('PUT', `/${id}`, { type: 'none' })
    await cms('GET', `/${id}`)
    await cms('DELETE', `/${id}`)
    const actions = logLines.filter(({ event }) => event === 'admin-action')
    t.match(actions, [
      { user: 'root', source: '127.0.0.1', action: 'POST /api/v1/turnServers', given: /^serverAddress .*password/ },
      { action: 'PUT /api/v1/turnServers/:id', target: id, given: 'password' },
      { action: 'DELETE /api/v1/turnServers/:id', target: id, given: '' },
    ])
    t.equal(actions.length, 3)
    t.notMatch(JSON.stringify(logLines), /hunter2|c1sc0/)
  })
})

t.test('what is kept', async (t) => {
  t.test('is there after a restart, in a file that nobody else may read', async (t) => {
    const stage = await openCms(t)
    const id = await stage.create()
    const path = join(stage.stateDirectory, 'turn-servers.json')
    t.equal(statSync(path).mode & 0o777, 0o600)
    const before = (await stage.cms('GET', `/${id}`)).text
    await stage.server.close()
    const again = await openCms(t, stage.stateDirectory)
    t.equal((await again.cms('GET', `/${id}`)).text, before)
    t.same(again.warnings, [])
  })

  t.test('is what the file says, whoever changed it: two servers of one directory lose nothing', async (t) => {
    const one = await openCms(t)
    const other = await openCms(t, one.stateDirectory)
    const ids = await Promise.all([one.create(), other.create(), one.create(), other.create()])
    for (const { cms } of [one, other]) {
      const { text } = await cms('GET')
      for (const id of ids) t.match(text, id)
    }
  })

  t.test('is lost by no damage: it is said, the file stays, and what was mended is read', async (t) => {
    const stateDirectory = temporaryDirectory()
    const path = join(stateDirectory, 'turn-servers.json')
    const good = { id: NO_SUCH_ID, ...OCTAVIO, tcpPortNumberOverride: null }
    writeFileSync(path, '{')
    const { cms, server, warnings } = await openCms(t, stateDirectory)
    t.match(warnings, [/turn-servers\.json is not JSON: mend it/], 'at the start')
    const damages = [
      '{"version": 1, "turnServers": [{"password": "s3cret"',
      ...['{}', '[]', 'null', JSON.stringify({ version: 2, turnServers: [] })],
      JSON.stringify({ version: 1, turnServers: [{ ...good, password: 5 }] }),
      JSON.stringify({ version: 1, turnServers: [null] }),
    ]
    for (const text of damages) {
      warnings.length = 0
      writeFileSync(path, JSON.stringify({ version: 1, turnServers: [good] }))
      t.match((await cms('GET')).text, NO_SUCH_ID)
      writeFileSync(path, text)
      for (const [method, form] of [['GET'], ['POST', OCTAVIO]] as const) {
        const answer = await cms(method, '', form)
        t.equal(answer.status, 503, text)
        t.match(answer.text, /<failureDetails><databaseNotReady>.*turn-servers\.json/)
        t.notMatch(answer.text, /s3cret/)
      }
      t.equal(readFileSync(path, 'utf8'), text)
      t.match(warnings, [/turn-servers\.json .*(?:mend it|put)/])
      t.equal(warnings.length, 1, 'once')
      t.notMatch(warnings[0], /s3cret/)
    }
    t.equal((await ask(server, { path: '/healthz' })).status, 200)
  })

  t.test('is refused where it cannot be kept', async (t) => {
    // Where root may make no directory either.
    const { cms } = await openCms(t, '/proc/turnd-state')
    t.equal((await cms('GET')).text, `${XML}<turnServers total="0"/>`)
    const answer = await cms('POST', '', OCTAVIO)
    t.equal(answer.status, 503)
    t.match(answer.text, /<databaseNotReady>.*turn-servers\.json: /)
    t.equal((await cms('GET')).text, `${XML}<turnServers total="0"/>`)
  })

  t.test('is refused where a directory has its name', async (t) => {
    const stateDirectory = temporaryDirectory()
    mkdirSync(join(stateDirectory, 'turn-servers.json'))
    const { cms } = await openCms(t, stateDirectory)
    const answer = await cms('POST', '', OCTAVIO)
    t.equal(answer.status, 503)
    t.match(answer.text, /turn-servers\.json: it is a directory/)
  })

  t.test('is in memory without a state directory, which a warning says', async (t) => {
    const { cms, create, warnings } = await openCms(t, '', false)
    const id = await create()
    await create()
    t.equal((await cms('GET', `/${id}`)).status, 200)
    t.match(warnings, [/kept in memory/])
    t.equal(warnings.length, 1)
  })

  t.test('says so when others may read it', async (t) => {
    const stage = await openCms(t)
    await stage.create()
    const path = join(stage.stateDirectory, 'turn-servers.json')
    chmodSync(path, 0o644)
    const { warnings } = await openCms(t, stage.stateDirectory)
    t.match(warnings, [/can be read by others: run chmod 600/])
  })
})

t.test('XML', async (t) => {
  t.test(
    'is ASCII: markup, controls and other characters are references, and what has no place is replaced',
    async (t) => {
      const text = `<a href="x">'&]]>\t\r\n\u0000\u001fü\u007f\u{1f600}\ud800\ufffe`
      const escaped =
        '&lt;a href=&quot;x&quot;&gt;&apos;&amp;]]&gt;&#9;&#13;&#10;&#65533;&#65533;&#252;&#127;&#128512;&#65533;&#65533;'
      t.equal(xmlDocument(element('e', text, { k: text })), `${XML}<e k="${escaped}">${escaped}</e>`)
      t.equal(
        xmlDocument(element('e', [element('f', 0), element('g', false), element('h')])),
        `${XML}<e><f>0</f><g>false</g><h/></e>`,
      )
    },
  )
})
