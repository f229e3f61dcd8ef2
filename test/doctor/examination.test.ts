// A server as the doctor examines it from outside, with servers that do what few do: what counts as an answer, at which address, and what is left
// behind by whoever gives up.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { answerLengthOf } from '../../src/doctor/outside/amplification.js'
import { tryCredentials } from '../../src/doctor/outside/credential-trial.js'
import { Examination, type ExaminationOptions } from '../../src/doctor/outside/examination.js'
import { examineServers } from '../../src/doctor/outside/examine.js'
import { name } from '../../src/doctor/outside/reachable.js'
import { hostAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_USERNAME,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import type { MessageView } from '../../src/stun/message.js'
import {
  answer,
  challenge,
  granted,
  KEY,
  type Script,
  scriptedTcp,
  scriptedUdp,
  USER,
} from '../client/scripted-server.js'
import { makePair } from '../support/certificate.js'

t.jobs = 8

const HOST = '127.0.0.1'
const IDENTITY = { kind: 'password', ...USER } as const

type Transport = 'udp' | 'tcp'

async function portOf(t: Test, transport: Transport, script: Script): Promise<number> {
  const server = await (transport === 'udp' ? scriptedUdp : scriptedTcp)(t, script)
  const client = await server.connect()
  return client.transport.remoteAddress.port
}

function examine(t: Test, transport: Transport, port: number, options: Partial<ExaminationOptions> = {}): Examination {
  const ways = [{ transport, host: HOST, port, isAsked: true }]
  const common = { host: HOST, ways, identity: IDENTITY, settings: null, patienceMs: 1000, ca: null }
  const examination = new Examination({ ...common, ...options })
  t.teardown(() => examination.close())
  return examination
}

const isAllocate = ({ method }: MessageView) => method === METHOD_ALLOCATE
const refused = (request: MessageView, code: number) =>
  answer(request, true, (writer) => writer.writeErrorCode(code).writeMessageIntegrity(KEY))

for (const transport of ['udp', 'tcp'] as const) {
  t.test(`a server answers over ${transport}`, { buffered: true }, async (t) => {
    const scripts: [string, Script, string][] = [
      ['that answers no Binding', (request) => (isAllocate(request) ? [challenge(request)] : []), 'answers'],
      ['that answers no Allocate', (request) => (isAllocate(request) ? [] : [granted(request, null)]), 'answers'],
      [
        'whose challenge has no realm',
        (request) => [answer(request, true, (writer) => writer.writeErrorCode(401))],
        'answers',
      ],
      ['that answers nothing', () => [], transport === 'udp' ? 'silent' : 'mute'],
      [
        'that speaks something else',
        () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
        transport === 'udp' ? 'silent' : 'mute',
      ],
    ]
    const judge = async ([what, script, outcome]: (typeof scripts)[number]) => {
      const patienceMs = outcome === 'answers' ? 5000 : 1000
      const [state] = await examine(t, transport, await portOf(t, transport, script), { patienceMs }).survey()
      t.equal(state.outcome, outcome, what)
    }
    await Promise.all(scripts.map(judge))
  })
}

t.test('a name with a dead address is examined at the other, and the dead one told', { buffered: true }, async (t) => {
  const port = await portOf(t, 'udp', (request) => [granted(request, null)])
  const addressesOf = async () => [hostAddress('::1', port)!, hostAddress(HOST, port)!]
  const [state] = await examine(t, 'udp', port, { host: 'turn.test', addressesOf }).survey()
  t.match(state, { outcome: 'answers', deafHosts: ['::1'] })
  t.equal(`${state.address}`, `${HOST}:${port}`)
})

t.test('a resolver that does not answer is waited for no longer than a server', { buffered: true }, async (t) => {
  let askedCount = 0
  const addressesOf = () => {
    askedCount++
    return new Promise<never>(() => {})
  }
  const examination = examine(t, 'udp', 3478, { host: 'turn.test', addressesOf, patienceMs: 100 })
  const [judged] = await Promise.all([name.run(examination, examination.signal), examination.survey()])
  t.match(judged, { verdict: 'fault', cause: 'the DNS of this machine does not answer' })
  t.equal(askedCount, 1, 'for all of them')
})

t.test('over TLS, what answers no TLS and what is a web server are told apart', { buffered: true }, async (t) => {
  const pair = await makePair(HOST)
  const servers = [
    createServer(),
    createTlsServer({ cert: pair.certificate, key: pair.key, ALPNProtocols: ['http/1.1'] }),
  ]
  const sockets = new Set<Socket>()
  t.teardown(() => {
    for (const each of [...sockets, ...servers]) 'destroy' in each ? each.destroy() : each.close()
  })
  const [mute, web] = await Promise.all(
    servers.map(async (server) => {
      server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
      server.listen(0, HOST)
      await once(server, 'listening')
      const way = { transport: 'tls', host: HOST, port: (server.address() as AddressInfo).port, isAsked: true } as const
      const [state] = await examine(t, 'udp', 1, { ways: [way] }).survey()
      return state
    }),
  )
  t.match(mute, { outcome: 'no-tls', problem: /takes connections, and answers no TLS$/ })
  t.match(web, { outcome: 'mute', security: { isAlpnRefused: true } })
})

t.test('credentials of a secret are good for any clock', async (t) => {
  const who = examine(t, 'udp', 1, { identity: { kind: 'secret', secret: 's' } }).credentials()
  t.ok(Number.parseInt(who?.username ?? '', 10) > Date.now() / 1000 + 365 * 86_400)
})

t.test('credentials are taken, refused, or answered as everybody is', { buffered: true }, async (t) => {
  const codes: [number, 'stranger is refused' | 'stranger is answered the same', string][] = [
    [442, 'stranger is answered the same', 'accepted'],
    [486, 'stranger is answered the same', 'accepted'],
    [401, 'stranger is refused', 'refused'],
    [431, 'stranger is refused', 'refused'],
    [400, 'stranger is refused', 'accepted'],
    [400, 'stranger is answered the same', 'unclear'],
    [403, 'stranger is answered the same', 'unclear'],
    [438, 'stranger is answered the same', 'unclear'],
  ]
  const judge = async ([code, stranger, verdict]: (typeof codes)[number]) => {
    const port = await portOf(t, 'udp', (request) => {
      if (!request.has(ATTRIBUTE_USERNAME)) return [challenge(request)]
      const isKnown = request.readText(request.find(ATTRIBUTE_USERNAME)) === USER.username
      if (!isKnown && stranger === 'stranger is refused') return [challenge(request)]
      return [code === 438 ? challenge(request, code) : refused(request, code)]
    })
    // Of a stranger an answer with this key is forged, which shows at the end of patience.
    t.match(
      await tryCredentials(examine(t, 'udp', port, { patienceMs: 1000 }), USER),
      { verdict, code },
      `${code}: the ${stranger}`,
    )
  }
  await Promise.all(codes.map(judge))
})

t.test('a lost packet of a stranger is no silence', { buffered: true }, async (t) => {
  // The survey asks twice; what comes then is lost once.
  let strangerCount = 0
  let isSurveyed = false
  const port = await portOf(t, 'udp', (request) =>
    isSurveyed && ++strangerCount === 1 ? [] : [granted(request, null)],
  )
  const examination = examine(t, 'udp', port)
  const [state] = await examination.survey()
  isSurveyed = true
  const request = Buffer.from(`0001000021${'12a442'}${'07'.repeat(12)}`, 'hex')
  t.ok((await answerLengthOf(examination, state, () => request)) > 0)
  t.equal(strangerCount, 2)
})

t.test('whoever gives up leaves no allocation behind', { buffered: true, timeout: 120_000 }, async (t) => {
  const abort = new AbortController()
  let [grantedCount, refreshCount] = [0, 0]
  const server = await scriptedUdp(t, (request) => {
    if (request.method === METHOD_BINDING) return [granted(request, null)]
    if (!request.has(ATTRIBUTE_USERNAME)) return [challenge(request)]
    if (isAllocate(request)) {
      const isForNothing = request.readUint32(request.find(ATTRIBUTE_REQUESTED_TRANSPORT)) >>> 24 !== 17
      if (isForNothing) return [refused(request, 442)]
      grantedCount++
    }
    if (request.method === METHOD_REFRESH) refreshCount++
    if (request.method === METHOD_CREATE_PERMISSION) {
      abort.abort()
      return []
    }
    return [granted(request)]
  })
  const { port } = (await server.connect()).transport.remoteAddress
  const uri = { scheme: 'turn', host: HOST, port, transport: 'udp' } as const
  const common = { uris: [uri], identity: IDENTITY, settings: null, ca: null, millisecondsMax: 60_000 }
  const findings = await examineServers({ ...common, patienceMs: 15_000, signal: abort.signal })
  t.same(findings, [])
  t.ok(grantedCount >= 4, `${grantedCount} allocations`)
  t.equal(refreshCount, grantedCount)
})

t.test('nothing is opened once the end has begun', { buffered: true }, async (t) => {
  let late = null as Promise<unknown> | null
  const port = await portOf(t, 'udp', (request) => {
    if (request.method === METHOD_REFRESH && late === null) {
      late = examination.openClient(null)
      late.catch(() => {})
    }
    return [request.has(ATTRIBUTE_USERNAME) || !isAllocate(request) ? granted(request, KEY) : challenge(request)]
  })
  const examination = examine(t, 'udp', port)
  await (await examination.openClient(USER)).allocate()
  await examination.close()
  t.ok(late)
  await t.rejects(late ?? Promise.resolve(), { code: 'aborted' })
})
