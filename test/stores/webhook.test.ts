// The store of --auth-webhook against web services of the test's own: what it asks, what it takes for an answer, and what it says of one that is
// slow, broken, or lies.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { md5Key } from '../../src/auth/credentials.js'
import type { OutsideAnswer } from '../../src/auth/outside-store.js'
import { WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECTION_COUNT_MAX } from '../../src/limits/webhook.js'
import { WebhookStore } from '../../src/stores/webhook.js'
import type { WebhookOptions } from '../../src/stores/webhook-options.js'
import { testCertificate } from '../support/certificate.js'
import { before, closedPort, until } from '../support/http-stage.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { json, startRawService, startWebService, type WebService } from '../support/web-service.js'

t.setTimeout(240_000)

const KEY = '0123456789abcdef0123456789ABCDEF'
const QUERY = { username: 'alice', realm: 'example.org', source: '203.0.113.7' }
const OPTIONS = { token: 'secret-token', tokenFile: '/etc/token', ca: null, server: null, userAgent: 'turnd/test' }

function storeOf(t: Test, { url }: Pick<WebService, 'url'>, options: Partial<WebhookOptions> = {}): WebhookStore {
  const store = new WebhookStore({ ...OPTIONS, url, ...options })
  t.teardown(() => store.close())
  return store
}

const ask = (store: WebhookStore, username = 'alice', signal = new AbortController().signal): Promise<OutsideAnswer> =>
  before(store.lookup({ ...QUERY, username }, signal), 'an answer of the store')

const problemOf = (answer: Promise<OutsideAnswer>): Promise<string> =>
  answer.then(
    (found) => `answered: ${JSON.stringify(found)}`,
    (error) => error.message,
  )

t.test('asks by POST, with its token and whom it is about, over one connection', async (t) => {
  const service = await startWebService(t, (response) => json(response, 200, { key: KEY }))
  const store = storeOf(t, service)
  const named = storeOf(t, service, { server: 'turn.example.org', token: null })
  t.equal(store.name, `--auth-webhook ${service.url}`)
  await ask(store)
  await ask(store, 'Zoë "\n\u{1f600}')
  t.equal(service.counts.connections, 1)
  await ask(named)
  t.match(service.asked, [
    {
      method: 'POST',
      path: '/turn',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: 'Bearer secret-token',
        'user-agent': 'turnd/test',
      },
    },
    { body: { user: 'Zoë "\n\u{1f600}' } },
    { body: { server: 'turn.example.org' } },
  ])
  t.same(service.asked[0].body, { user: 'alice', realm: 'example.org', source: '203.0.113.7' })
  t.equal(service.asked[2].headers.authorization, undefined)
  t.same(await ask(store, 'a'.repeat(509)), { kind: 'unknown' }, 'a name that no request can have')
  t.equal(service.asked.length, 3)
})

t.test('takes a key, a password, a refusal, and that nobody has the name', async (t) => {
  const service = await startWebService(t, () => {})
  const store = storeOf(t, service)
  const said = (status: number, body: unknown) => {
    service.answering = (response) => json(response, status, body)
    return ask(store)
  }
  const key = Buffer.from(KEY, 'hex')
  const found = (md5Key: Uint8Array, freshSeconds: number | null = null) => ({ kind: 'found', md5Key, freshSeconds })
  t.same(await said(200, { key: KEY }), found(key))
  t.same(await said(200, { key: KEY, ttl: 0, user: 'alice', realm: 'example.org', password: null }), found(key, 0))
  t.same(await said(200, { key: KEY, ttl: 1e300 }), found(key, 86_400))
  t.same(await said(200, { password: 's3\u00a0cret', more: [[{}]] }), found(md5Key('alice', 'example.org', 's3 cret')))
  t.same(await said(200, { refused: 'the month is not paid' }), { kind: 'refused', detail: 'the month is not paid' })
  t.same(await said(403, { refused: 'no\n\u001b[31mway' }), { kind: 'refused', detail: 'no\\u000a\\u001b[31mway' })
  t.same(await said(200, { refused: '' }), { kind: 'refused', detail: 'without a reason' })
  const long = await said(200, { refused: `${'x'.repeat(199)}\u{1f600}${'x'.repeat(1000)}` })
  t.same(long, { kind: 'refused', detail: `${'x'.repeat(199)}\ufffd…` })
  t.same(await said(404, { user: 'alice' }), { kind: 'unknown' })
  service.answering = (response) => response.writeHead(404).end()
  t.same(await ask(store), { kind: 'unknown' })
})

/** What the service says, and what the store says of it. */
const LIES: [what: string, status: number, headers: Record<string, string>, body: string, problem: RegExp][] = [
  ['a failure', 500, {}, 'x', /^the service answered 500 \(Internal Server Error\)$/],
  ['a status of nobody', 299, {}, 'x', /^the service answered 299$/],
  [
    'a token that it does not accept',
    401,
    {},
    '',
    /does not accept the token of --auth-webhook-token-file \/etc\/token$/,
  ],
  [
    'a redirect',
    302,
    { Location: 'https://other.test/turn?token=hunter2' },
    '',
    /a redirect to https:\/\/other\.test\/turn, which is not followed: give the address/,
  ],
  [
    'another type',
    200,
    { 'Content-Type': 'text/html' },
    '{}',
    /answered 200 \(OK\) with text\/html: it takes application\/json/,
  ],
  ['no type', 200, { 'Content-Type': '' }, '{}', /without a content type/],
  ['a page that is not there', 404, { 'Content-Type': 'text/html' }, '<p>', /is the path right/],
  ['nothing', 200, {}, '', /with what is no JSON$/],
  ['broken JSON', 200, {}, `{"key":"${KEY}"`, /with what is no JSON$/],
  [
    'bytes that are no UTF-8',
    200,
    {},
    Buffer.from('7b2275736572223a22ff227d', 'hex').toString('latin1'),
    /with what is no JSON$/,
  ],
  ['a list', 200, {}, '[]', /with JSON that is no object$/],
  ['null', 200, {}, 'null', /with JSON that is no object$/],
  ['JSON without end', 200, {}, `{"a":${'['.repeat(9)}${']'.repeat(9)}}`, /nested too deeply$/],
  ['nothing of use', 200, {}, '{}', /without "key", "password" and "refused"$/],
  ['a short key', 200, {}, `{"key":"${KEY.slice(1)}"}`, /"key" of 31 characters: it takes 32 hex digits$/],
  ['a key of other digits', 200, {}, `{"key":"${KEY.slice(1)}g"}`, /"key" of 32 characters/],
  ['a key of another type', 200, {}, '{"key":5}', /a "key" that is no text$/],
  ['an empty password', 200, {}, '{"password":""}', /"password" that cannot be one: it is empty$/],
  ['a password that is none', 200, {}, '{"password":"hunter\\u0000"}', /cannot be one: it contains U\+0000/],
  ['key and password', 200, {}, `{"key":"${KEY}","password":"hunter2"}`, /with both "key" and "password"$/],
  ['key and refusal', 200, {}, `{"key":"${KEY}","refused":"no"}`, /with both "key" and "refused"$/],
  ['a refusal without words', 200, {}, '{"refused":true}', /"refused" that is no text$/],
  ['403 without a reason', 403, {}, '{}', /403 \(Forbidden\) without "refused" and a reason$/],
  ['403 with a key', 403, {}, `{"key":"${KEY}"}`, /403 \(Forbidden\) with a "key"$/],
  ['404 with a key', 404, {}, `{"key":"${KEY}"}`, /404 \(Not Found\) with a "key"$/],
  ['a time before now', 200, {}, `{"key":"${KEY}","ttl":-1}`, /"ttl" that is no number of seconds$/],
  ['a time of words', 200, {}, `{"key":"${KEY}","ttl":"60"}`, /"ttl" that is no number of seconds$/],
  [
    'another user',
    200,
    {},
    `{"key":"${KEY}","user":"bob\\n"}`,
    /^the service answered of "user" bob\\u000a, and was asked for alice$/,
  ],
  ['another user, unknown', 404, {}, '{"user":"bob"}', /of "user" bob, and was asked for alice$/],
  [
    'a user of another type',
    200,
    {},
    `{"key":"${KEY}","user":["alice"]}`,
    /with a "user" that is no text, and was asked for alice$/,
  ],
  ['another realm', 200, {}, `{"key":"${KEY}","realm":"other"}`, /of "realm" other, and was asked for example\.org$/],
  [
    'more than is read',
    200,
    {},
    JSON.stringify({ key: KEY, x: 'x'.repeat(WEBHOOK_ANSWER_BYTES_MAX) }),
    /longer than 16384 bytes$/,
  ],
  [
    'a head without end',
    200,
    { 'X-A': 'x'.repeat(20_000) },
    '{}',
    /the head of the answer is longer than 16384 bytes$/,
  ],
] as [string, number, Record<string, string>, string, RegExp][]

t.test('lies and failures are a sentence, never an answer', async (t) => {
  const service = await startWebService(t, () => {})
  const store = storeOf(t, service)
  for (const [what, status, headers, body, problem] of LIES) {
    service.answering = (response) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
      response.end(body, 'latin1')
    }
    const said = await problemOf(ask(store))
    t.match(said, problem, what)
    t.notMatch(said, /hunter|secret-token|[\u0000-\u001f]/, what)
  }
  t.match(await problemOf(ask(storeOf(t, { url: `http://127.0.0.1:${await closedPort()}/` }))), /connection refused/)
  t.match(await problemOf(ask(storeOf(t, { url: 'http://no.such.host.invalid/' }))), /host of the service/)
  service.answering = (response) => response.writeHead(401).end()
  t.match(
    await problemOf(ask(storeOf(t, service, { token: null, tokenFile: null }))),
    /401 \(Unauthorized\): it wants a token/,
  )
})

t.test('a certificate is verified, by the authority that is named', async (t) => {
  const { cert, key } = testCertificate()
  const service = await startWebService(t, (response) => json(response, 404, {}), { cert, key })
  t.same(await ask(storeOf(t, service, { ca: cert })), { kind: 'unknown' })
  t.match(await problemOf(ask(storeOf(t, service))), /not trusted \(self-signed certificate\): --auth-webhook-ca names/)
  const plain = await startWebService(t, () => {})
  t.match(
    await problemOf(ask(storeOf(t, { url: plain.url.replace('http', 'https') }))),
    /no TLS with the service.*is it http/,
  )
  t.match(
    await problemOf(ask(storeOf(t, { url: service.url.replace('https', 'http') }))),
    /^the service has (cut|ended) the connection/,
  )
})

/** Those of raw bytes: what they say once they are asked. */
const BROKEN: [what: string, act: (socket: Socket) => unknown, problem: RegExp][] = [
  ['resets', (socket) => socket.resetAndDestroy(), /^the service has cut the connection/],
  ['hangs up', (socket) => socket.end(), /^the service has cut the connection/],
  [
    'speaks no HTTP',
    (socket) => socket.write('220 mail.example.org ESMTP\r\n'),
    /^what the service sends is not HTTP \(HPE_/,
  ],
  [
    'changes the protocol',
    (socket) => socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    /^the service has ended the connection/,
  ],
  [
    'resets in the answer',
    (socket) => socket.write(`${HEAD}{"key"`, () => socket.resetAndDestroy()),
    /^the service has cut/,
  ],
  ['has no end', (socket) => writeForEver(socket), /^the answer of the service is longer than 16384 bytes$/],
  ['ends before its length', (socket) => socket.end(`${HEAD}{"key"`), /^the service has cut/],
]
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n'

function writeForEver(socket: Socket): void {
  const more = () => socket.writable && socket.write(' '.repeat(1000))
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n')
  const timer = setInterval(more, 1)
  socket.once('close', () => clearInterval(timer))
}

t.test('a service that breaks off is a sentence', async (t) => {
  for (const [what, act, problem] of BROKEN) {
    const service = await startRawService(t, act)
    t.match(await problemOf(ask(storeOf(t, service))), problem, what)
    await until(() => service.sockets.size === 0, `${what}: the connection is closed`)
    t.equal(service.counts.connections, 1, `${what}: nothing is tried twice`)
  }
})

t.test('the signal ends a request at each of its stages, and its connection', async (t) => {
  const trickle = (socket: Socket) => {
    socket.write(HEAD)
    const timer = setInterval(() => socket.write(' '), 20)
    socket.once('close', () => clearInterval(timer))
  }
  const heads = countHeads(t)
  const stages: [what: string, act: (socket: Socket) => unknown, url: (url: string) => string, problem: string][] = [
    ['no TLS', () => {}, (url) => url.replace('http', 'https'), 'no connection to the service in time'],
    ['no answer', () => {}, (url) => url, 'no answer of the service in time'],
    ['half a head', (socket) => socket.write('HTTP/1.1 200 OK\r\n'), (url) => url, 'no answer of the service in time'],
    ['a body that trickles', trickle, (url) => url, 'the answer of the service had no end in time'],
  ]
  for (const [what, act, urlOf, problem] of stages) {
    const ending = new AbortController()
    let isActed = false
    const service = await startRawService(t, (socket) => {
      act(socket)
      isActed = true
    })
    const headCount = heads.count
    const answer = problemOf(ask(storeOf(t, { url: urlOf(service.url) }), 'alice', ending.signal))
    await until(() => isActed, `${what}: asked`)
    if (act === trickle) await until(() => heads.count > headCount, `${what}: its head has come`)
    ending.abort()
    t.equal(await answer, problem, what)
    await until(() => service.sockets.size === 0, `${what}: the connection is closed`)
  }
  const ended = AbortSignal.abort()
  t.equal(
    await problemOf(ask(storeOf(t, { url: 'http://127.0.0.1:1/' }), 'alice', ended)),
    'no connection to the service in time',
  )
})

/** Of answers that have come to this process. */
function countHeads(t: Test): { count: number } {
  const heads = { count: 0 }
  const note = () => void heads.count++
  subscribe('http.client.response.finish', note)
  t.teardown(() => unsubscribe('http.client.response.finish', note))
  return heads
}

t.test('the close of the store ends what is under way, and nothing is asked afterwards', async (t) => {
  const service = await startWebService(t, () => {})
  const store = storeOf(t, service)
  const hanging = problemOf(ask(store))
  await until(() => service.asked.length === 1, 'asked')
  await store.close()
  t.match(await hanging, /^the service has cut the connection/)
  t.equal(await problemOf(ask(store)), 'this server does not ask the service any more')
  await until(() => service.sockets.size === 0, 'the connection is closed')
})

t.test('a connection that the service has closed while it was idle is no failure of it', async (t) => {
  const idle = new Set<Socket>()
  const service = await startWebService(t, (response) => {
    // Closed as the next request comes, as by a service whose patience ends in that moment.
    if (idle.has(response.socket!)) return void response.socket!.destroy()
    idle.add(response.socket!)
    json(response, 404, {})
  })
  const store = storeOf(t, service)
  t.same(await ask(store), { kind: 'unknown' })
  t.same(await ask(store), { kind: 'unknown' })
  t.equal(service.asked.length, 3, 'asked again, over a new connection')
  service.answering = (response) => void response.socket!.destroy()
  t.match(await problemOf(ask(store)), /^the service has cut the connection/)
})

t.test('connections are bounded, and those that nobody needs are closed', async (t) => {
  const waiting: (() => void)[] = []
  const service = await startWebService(t, (response) => void waiting.push(() => json(response, 404, {})))
  const store = storeOf(t, service)
  const answers = Array.from({ length: 2 * WEBHOOK_CONNECTION_COUNT_MAX }, (_, index) => ask(store, `user${index}`))
  await until(() => waiting.length === WEBHOOK_CONNECTION_COUNT_MAX, 'as many as may be are asked')
  service.answering = (response) => json(response, 404, {})
  for (const answer of waiting) answer()
  t.same(new Set((await Promise.all(answers)).map(({ kind }) => kind)), new Set(['unknown']))
  t.equal(service.asked.length, 2 * WEBHOOK_CONNECTION_COUNT_MAX)
  t.equal(service.counts.connections, WEBHOOK_CONNECTION_COUNT_MAX)
  await until(() => service.sockets.size <= 16, 'a few wait for the next request')
})

t.test('the example of docs/webhook.md is a service, and its line of curl asks it', async (t) => {
  const page = readFileSync(join(projectRoot, 'docs/webhook.md'), 'utf8')
  const [code, lines] = ['js', 'sh'].map((language) => page.split(`\`\`\`${language}\n`)[1].split('```')[0])
  const port = await closedPort()
  const directory = t.testdir({ 'service.mjs': code })
  const service = spawn(process.execPath, [join(directory, 'service.mjs')], {
    env: { PATH: process.env.PATH, TOKEN: '1f0c', PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const forget = onProcessEnd(() => service.kill('SIGKILL'))
  t.teardown(() => {
    service.kill('SIGKILL')
    forget()
  })
  const url = `http://127.0.0.1:${port}/turn`
  const store = storeOf(t, { url }, { token: '1f0c' })
  let found: OutsideAnswer | null = null
  await until(() => {
    if (found === null)
      void ask(store).then(
        (answer) => (found = answer),
        () => {},
      )
    return found !== null
  }, 'the example answers')
  t.same(found, { kind: 'found', md5Key: md5Key('alice', 'example.org', 'correct horse'), freshSeconds: null })
  t.same(await ask(store, 'bob'), { kind: 'refused', detail: 'the month is not paid' })
  t.same(await ask(store, 'nobody'), { kind: 'unknown' })
  t.match(await problemOf(ask(storeOf(t, { url }, { token: 'other' }))), /401/)
  const curl = lines.split('\n')[1].replace(':8081', `:${port}`)
  if (spawnSync('curl', ['--version']).error !== undefined) return
  const shown = /^ {4}(\{"user":"alice".*"password".*\})$/m.exec(page)?.[1]
  t.equal(execFileSync('sh', ['-c', curl], { encoding: 'utf8' }), shown)
})
