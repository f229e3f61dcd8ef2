// Our own client against servers that do what they should not, or what real ones cannot be made to do. Real ones: test/interop/probe.test.ts.
import { getEventListeners } from 'node:events'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { allocate } from '../../src/client/allocate.js'
import { ClientError, StunError } from '../../src/client/client-error.js'
import { keepAllocation } from '../../src/client/probe/keep-allocation.js'
import { measureRoundTrips } from '../../src/client/probe/measure.js'
import { openPeerSocket } from '../../src/client/probe/peer-socket.js'
import { planOf } from '../../src/client/probe/probe-plan.js'
import { probeTarget } from '../../src/client/probe/probe-target.js'
import { type ClientTransport, openTransport } from '../../src/client/transport.js'
import { TurnClient } from '../../src/client/turn-client.js'
import { runProbeCommand } from '../../src/commands/probe.js'
import { CLIENT_CHANNEL_COUNT_MAX } from '../../src/limits/clients.js'
import { hostAddress, TransportAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_ALTERNATE_SERVER,
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_DATA,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_REALM,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_DATA,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { SeededRandom } from '../support/random.js'
import { madePath } from './made-path.js'
import {
  answer,
  challenge,
  granted,
  KEY,
  REALM,
  type Script,
  scriptedTcp,
  scriptedUdp,
  USER,
} from './scripted-server.js'

t.jobs = 8

/** As every server does it: a challenge, then yes. */
const dance: Script = (request) => {
  return [request.has(ATTRIBUTE_USERNAME) || request.method === METHOD_BINDING ? granted(request) : challenge(request)]
}
const PEER = hostAddress('192.0.2.9', 4_000)!
const OTHER_KEY = Buffer.alloc(16, 1)

/** The error with which it rejects. */
async function errorOf(promise: Promise<unknown>): Promise<ClientError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason) => reason,
  )
  if (!(error instanceof ClientError)) throw error
  return error
}

const codeOf = async (promise: Promise<unknown>) => (await errorOf(promise)).code

t.test('a client', { buffered: true }, async (t) => {
  t.test('answers a 401 with credentials, and gives the allocation back at the end (RFC 8489 §9.2)', async (t) => {
    const server = await scriptedUdp(t, dance)
    const client = await server.connect()
    const { lifetimeSeconds, relayed } = await client.allocate()
    t.equal(relayed.toString(), '192.0.2.7:50000')
    t.equal(lifetimeSeconds, 600)
    t.match(client.server, { realm: REALM, nonce: 'nonce', challenge: { requestLength: 28 } })
    await client.close()
    t.same(
      server.requests.map(({ method }) => method),
      [METHOD_ALLOCATE, METHOD_ALLOCATE, METHOD_REFRESH],
    )
  })

  t.test('takes a newer nonce, but not for ever (RFC 8489 §9.2.5)', async (t) => {
    const once = await scriptedUdp(t, (request, count) => [
      count < 3 ? challenge(request, count === 1 ? 401 : 438, `nonce ${count}`) : granted(request),
    ])
    await (await once.connect()).allocate()
    t.equal(once.requests[2].readText(once.requests[2].find(ATTRIBUTE_NONCE)), 'nonce 2')
    const always = await scriptedUdp(t, (request, count) => [challenge(request, count === 1 ? 401 : 438)])
    t.match(await errorOf((await always.connect()).allocate()), { code: 'stun-error', number: 438 })
    t.equal(always.requests.length, 4)
  })

  t.test('uses SHA-256 where it is offered, and refuses an offer that was cut out', async (t) => {
    // The features of RFC 8489 §18.1: the first bit announces PASSWORD-ALGORITHMS.
    const offer = (request: MessageView, algorithms: number[]) =>
      answer(request, true, (writer) => {
        writer.writeErrorCode(401).writeText(ATTRIBUTE_REALM, REALM).writeText(ATTRIBUTE_NONCE, 'obMatJos2gAAAnonce')
        if (algorithms.length > 0) writer.writePasswordAlgorithms(algorithms)
      })
    const server = await scriptedUdp(t, (request) => [offer(request, [9, 2, 1])])
    t.match(await errorOf((await server.connect()).allocate()), { number: 401 })
    const [, second] = server.requests
    t.equal(second.readUint16(second.find(ATTRIBUTE_PASSWORD_ALGORITHM)), 2)
    t.ok(second.messageIntegritySha256Start > 0)
    t.equal(second.messageIntegrityStart, -1)
    const cut = await scriptedUdp(t, (request) => [offer(request, [])])
    t.match(await errorOf((await cut.connect()).allocate()), { code: 'bad-answer', message: /has taken the password/ })
    const unknown = await scriptedUdp(t, (request) => [offer(request, [9])])
    t.equal(await codeOf((await unknown.connect()).allocate()), 'bad-answer')
  })

  t.test('has an error for each refusal, with what the server says', async (t) => {
    for (const number of [403, 437, 486, 508]) {
      const server = await scriptedUdp(t, (request) => [
        request.has(ATTRIBUTE_USERNAME)
          ? answer(request, true, (writer) => writer.writeErrorCode(number, 'No').writeMessageIntegrity(KEY))
          : challenge(request),
      ])
      const error = await errorOf((await server.connect()).allocate())
      t.match(error, { code: 'stun-error', number, reasonPhrase: 'No', method: 'Allocate' })
      t.equal(error.message, `the server answers Allocate with ${number} (No)`)
    }
    const moved = await scriptedUdp(t, (request) => [
      answer(request, true, (writer) => writer.writeErrorCode(300).writeAddress(ATTRIBUTE_ALTERNATE_SERVER, PEER)),
    ])
    t.match(await errorOf((await moved.connect()).allocate()), { number: 300, alternateServer: '192.0.2.9:4000' })
    const nameless = await (await scriptedUdp(t, dance)).connect({ answerMilliseconds: 60_000 })
    t.equal(await codeOf(nameless.allocate()), 'no-credentials')
  })

  t.test('asks again over UDP, and not over TCP (RFC 8489 §6.2)', async (t) => {
    const lossy = await scriptedUdp(t, (request, count) => (count === 1 ? [] : [granted(request)]))
    const { exchange, mapped } = await (await lossy.connect({ answerMilliseconds: 60_000 })).bind()
    t.equal(exchange.transmissionCount, 2)
    t.equal(mapped.toString(), '192.0.2.7:50000')
    // A path that takes longer than the first wait: the answer is that to the first transmission.
    t.ok(exchange.roundTripMilliseconds >= 490, `${exchange.roundTripMilliseconds}`)
    const silent = await scriptedTcp(t, () => [])
    const client = await silent.connect({ answerMilliseconds: 700 })
    t.equal(await codeOf(client.bind()), 'no-answer')
    t.equal(silent.requests.length, 1)
  })

  t.test('has another channel for each peer, at once too, and refreshes what it has (RFC 8656 §12)', async (t) => {
    const numbers = new Map<string, string>()
    const server = await scriptedUdp(t, (request, count) => {
      const peer = new TransportAddress()
      if (request.method !== METHOD_CHANNEL_BIND) return dance(request, count)
      request.readXorAddress(request.find(ATTRIBUTE_XOR_PEER_ADDRESS), peer)
      const number = String(request.readUint32(request.find(ATTRIBUTE_CHANNEL_NUMBER)) >>> 16)
      const isOther = (numbers.get(number) ?? `${peer}`) !== `${peer}`
      numbers.set(number, `${peer}`)
      return [isOther ? answer(request, true, (writer) => writer.writeErrorCode(400)) : granted(request)]
    })
    const client = await server.connect()
    await client.allocate()
    const peers = Array.from(
      { length: CLIENT_CHANNEL_COUNT_MAX },
      (_, index) => hostAddress('192.0.2.9', 4_000 + index)!,
    )
    await Promise.all(peers.map((peer) => client.bindChannel(peer)))
    t.equal(numbers.size, CLIENT_CHANNEL_COUNT_MAX)
    await client.bindChannel(peers[7])
    t.equal(await codeOf(client.bindChannel(hostAddress('192.0.2.10', 1)!)), 'no-allocation')
  })

  t.test('takes a relay of the other address family where there is none of its own (RFC 8656 §7.2)', async (t) => {
    for (const number of [440, 420]) {
      const server = await scriptedUdp(t, (request, count) => {
        if (!request.has(ATTRIBUTE_USERNAME) || request.has(ATTRIBUTE_REQUESTED_ADDRESS_FAMILY))
          return dance(request, count)
        return [answer(request, true, (writer) => writer.writeErrorCode(number).writeMessageIntegrity(KEY))]
      })
      const { relayed } = await allocate(await server.connect())
      t.equal(relayed.toString(), '192.0.2.7:50000')
      t.equal(server.requests.filter((request) => request.has(ATTRIBUTE_REQUESTED_ADDRESS_FAMILY)).length, 1)
    }
  })

  t.test('gives up when it is told to', async (t) => {
    const abort = new AbortController()
    const client = await (await scriptedUdp(t, () => [])).connect({ signal: abort.signal })
    const binding = codeOf(client.bind())
    abort.abort()
    t.equal(await binding, 'aborted')
    const target = { transport: 'tcp', host: '127.0.0.1', port: 1 } as const
    t.equal(await codeOf(openTransport(target, { signal: abort.signal })), 'aborted')
  })
})

t.test('a hostile server', { buffered: true }, async (t) => {
  t.test('is not believed what was not made with the key: over UDP others may follow, over TCP not', async (t) => {
    const forged: Script = (request) =>
      request.has(ATTRIBUTE_USERNAME) ? [granted(request, OTHER_KEY), granted(request, null)] : [challenge(request)]
    const mixed: Script = (request, count) => [...forged(request, count), ...(count > 1 ? [granted(request)] : [])]
    t.ok(await (await (await scriptedUdp(t, mixed)).connect()).allocate())
    t.equal(await codeOf((await (await scriptedUdp(t, forged)).connect()).allocate()), 'wrong-integrity')
    const tcp = await (await scriptedTcp(t, mixed)).connect({ credentials: USER, answerMilliseconds: 60_000 })
    t.equal(await codeOf(tcp.allocate()), 'wrong-integrity')
  })

  t.test('is not heard where it answers what was not asked', async (t) => {
    const other = (request: MessageView) => {
      const strange = granted(request, null)
      strange[8] ^= 1
      return strange
    }
    const asAllocate = (request: MessageView) => {
      const strange = answer(request, false, (writer) => writer.writeText(ATTRIBUTE_SOFTWARE, 'not a Binding'))
      strange[1] = 0x03
      return strange
    }
    const wrongFingerprint = (request: MessageView) => {
      const strange = answer(request, false, (writer) => writer.writeFingerprint())
      strange[strange.length - 1] ^= 1
      return strange
    }
    const server = await scriptedUdp(t, (request) => [
      ...[other(request), asAllocate(request), wrongFingerprint(request), request.bytes],
      ...[Buffer.alloc(0), Buffer.alloc(3), Buffer.from('ffff', 'hex'), granted(request, null)],
    ])
    const { exchange } = await (await server.connect()).bind()
    t.equal(exchange.answerLength, granted(server.requests[0], null).length)
  })

  t.test('that answers without what an answer has is named', async (t) => {
    const bad: [string, Script][] = [
      ['no relayed address', (request) => [request.has(ATTRIBUTE_USERNAME) ? signed(request) : challenge(request)]],
      ['no nonce', (request) => [answer(request, true, (writer) => writer.writeErrorCode(401))]],
      ['no code', (request) => [answer(request, true)]],
      ['long realm', (request) => [tooLong(request)]],
    ]
    for (const [what, script] of bad) {
      t.equal(await codeOf((await (await scriptedUdp(t, script)).connect()).allocate()), 'bad-answer', what)
    }
    const empty = await scriptedUdp(t, (request) => [answer(request, false)])
    t.equal(await codeOf((await empty.connect()).bind()), 'bad-answer')
  })

  t.test('has its texts shortened', async (t) => {
    const server = await scriptedUdp(t, (request) => [
      answer(request, true, (writer) => {
        writer.writeErrorCode(500, 'x'.repeat(5_000)).writeText(ATTRIBUTE_SOFTWARE, 'y'.repeat(2_000))
      }),
    ])
    const client = await server.connect()
    const error = await errorOf(client.bind())
    t.ok(error instanceof StunError && error.reasonPhrase.length < 130)
    t.ok(client.server.software.length < 130)
  })

  t.test('that sends no TURN over TCP, or closes, is an error at once', async (t) => {
    const patient = { answerMilliseconds: 60_000 }
    const http = await scriptedTcp(t, () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')])
    // HTTP's first letter has the bits of ChannelData, which cannot come first (RFC 7983).
    t.equal(await codeOf((await http.connect(patient)).bind()), 'bad-answer')
    const endless = await scriptedTcp(t, () => [Buffer.from('0101fffc2112a442', 'hex'), Buffer.alloc(70_000)])
    t.ok(['bad-answer', 'connection-closed'].includes(await codeOf((await endless.connect(patient)).bind())))
  })

  t.test('that reads no more does not hold up the end', async (t) => {
    const client = await (await scriptedTcp(t, () => [], true)).connect()
    const frame = new Uint8Array(60_000)
    while (client.transport.send(frame));
    const start = performance.now()
    await client.close()
    t.ok(performance.now() - start < 5_000)
  })

  t.test('may send any bytes', async (t) => {
    const seed = Number(process.env.TURND_TEST_SEED ?? 8)
    const random = new SeededRandom(seed)
    const codes = new Set<string>()
    for (let round = 0; round < 300; round++) {
      let damage = 0
      const transport = looseTransport((request) => {
        const whole = request.has(ATTRIBUTE_USERNAME) ? granted(request) : challenge(request)
        if (++damage % 2 === 0 || round % 2 === 0)
          return [whole, indication('data')].map((frame) => damaged(frame, random))
        return [whole]
      })
      const client = new TurnClient(transport, { credentials: USER, answerMilliseconds: 1 })
      await client.allocate().then(
        () => codes.add('granted'),
        (error) => codes.add(error instanceof ClientError ? error.code : String(error)),
      )
      await client.close()
    }
    const known = ['granted', 'no-answer', 'bad-answer', 'wrong-integrity', 'stun-error']
    t.same(
      [...codes].filter((code) => !known.includes(code)),
      [],
      `seed ${seed}`,
    )
    t.ok(codes.size > 2, [...codes].join())
  })

  t.test('delivers no data of a channel that is not bound, and data of peers that come', async (t) => {
    const server = await scriptedUdp(t, (request, count) => {
      if (count < 3) return dance(request, count)
      if (count === 3) return [indication('early'), granted(request)]
      const [unbound, cut, whole] = ['4fff0004abcdabcd', '4000ffffabcd', '400000026869'].map((hex) =>
        Buffer.from(hex, 'hex'),
      )
      return [unbound, cut, whole, indication('late'), granted(request, null)]
    })
    const client = await server.connect()
    const received: string[] = []
    client.onData = (peer, data) => received.push(`${peer} ${Buffer.from(data)}`)
    await client.allocate()
    await client.bindChannel(PEER)
    await client.bind()
    t.same(received, [`${PEER} early`, `${PEER} hi`, `${PEER} late`])
  })
})

t.test('a probe', { buffered: true }, async (t) => {
  t.test('counts what was lost, and neither copies nor strangers’ packets', async (t) => {
    const path = madePath((packet, count, deliver) => {
      const stranger = Buffer.from(packet)
      stranger[0] ^= 1
      deliver(stranger)
      deliver(packet.subarray(1))
      if (count % 5 !== 0) for (let copy = 0; copy < 2; copy++) deliver(packet)
    })
    const { lossPercent, receivedCount, sentCount, times } = await measureRoundTrips(path, 10, 50)
    t.same({ lossPercent, receivedCount, sentCount }, { lossPercent: 20, receivedCount: 8, sentCount: 10 })
    t.ok(times !== null && times.minimum > 0 && times.minimum <= times.median && times.p95 <= times.maximum)
  })

  t.test('prints no control and no change of direction of a server’s text, as JSON either', async (t) => {
    const software = 'a\u009b31m\u202eb'
    const server = await scriptedUdp(t, (request) => [
      answer(request, false, (writer) => {
        writer.writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, PEER).writeText(ATTRIBUTE_SOFTWARE, software)
      }),
    ])
    const { port } = (await server.connect()).transport.remoteAddress
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const io = { stdin, stdout, stderr, once: () => {}, off: () => {} }
    t.equal(await runProbeCommand([`stun:127.0.0.1:${port}`, '--json'], io), 0)
    const text = String(stdout.read())
    t.match(text, /"a\\u009b31m\\u202eb"/)
    t.equal(JSON.parse(text).targets[0].software, software)
  })

  t.test('keeps an allocation of a short life, and says it when the server takes it back (RFC 8656 §8)', async (t) => {
    const server = await scriptedUdp(t, (request, count) => {
      if (request.method !== METHOD_REFRESH) return dance(request, count)
      t.equal(request.readUint32(request.find(ATTRIBUTE_LIFETIME)), 1)
      return [answer(request, true, (writer) => writer.writeErrorCode(437))]
    })
    const client = await server.connect()
    client.allocation = { ...(await client.allocate()), lifetimeSeconds: 1 }
    const error = await new Promise<ClientError>((resolve) => {
      const stop = keepAllocation(client, resolve)
      t.teardown(stop)
    })
    t.match(error, { number: 437, method: 'Refresh' })
    client.allocation = null
  })

  t.test('leaves nobody behind who waits for the end of all probes', async (t) => {
    const abort = new AbortController()
    const server = await scriptedUdp(t, (request) => [granted(request, null)])
    const { remoteAddress } = (await server.connect()).transport
    const socket = await openPeerSocket(remoteAddress, PEER, abort.signal)
    t.teardown(() => socket.close())
    t.same(getEventListeners(abort.signal, 'abort'), [])
    abort.abort()
    t.equal(await codeOf(openPeerSocket(remoteAddress, PEER, abort.signal)), 'aborted')
  })

  t.test('goes where a 300 sends it, once', async (t) => {
    const second = await scriptedUdp(t, (request) => [
      request.method === METHOD_BINDING ? granted(request, null) : answer(request, true, writeAlternate),
    ])
    const { remoteAddress } = (await second.connect()).transport
    const writeFirst = (writer: MessageWriter) =>
      writer.writeErrorCode(300).writeAddress(ATTRIBUTE_ALTERNATE_SERVER, remoteAddress)
    const first = await scriptedUdp(t, (request) => [
      request.method === METHOD_BINDING ? granted(request, null) : answer(request, true, writeFirst),
    ])
    const { port } = (await first.connect()).transport.remoteAddress
    const [target] = planOf(`turn:127.0.0.1:${port}?transport=udp`)
    const report = await probeTarget(target, {
      credentials: () => USER,
      ...{ family: null, isInsecure: false, answerMilliseconds: 400, roundTripCount: 5, payloadLength: 100 },
      ...{ bitsPerSecond: 0, seconds: 1 },
    })
    t.ok(report.isRedirected)
    t.equal(report.server?.toString(), remoteAddress.toString())
    t.match(report, { outcome: 'failed', failure: { stage: 'allocate', error: { number: 300 } } })
  })
})

function writeAlternate(writer: MessageWriter): void {
  writer.writeErrorCode(300).writeAddress(ATTRIBUTE_ALTERNATE_SERVER, PEER)
}

/** Carries requests to a script and its answers back, whatever they are. */
function looseTransport(script: (request: MessageView) => Uint8Array[]): ClientTransport {
  const transport: ClientTransport = {
    ...{ kind: 'udp', isReliable: false, localAddress: PEER, remoteAddress: PEER, openMilliseconds: 0, security: null },
    onFrame: () => {},
    onFault: () => {},
    send: (frame) => {
      const request = new MessageView()
      const bytes = Uint8Array.from(frame)
      decodeMessage(request, bytes, 0, bytes.length)
      for (const answer of script(request)) transport.onFrame(answer)
      return true
    },
    close: async () => {},
  }
  return transport
}

/** Some bytes changed, and some frames cut short. The transaction id stays, so that it is read. */
function damaged(frame: Uint8Array, random: SeededRandom): Uint8Array {
  const bytes = Uint8Array.from(frame)
  for (let count = random.nextInt(4); count > 0; count--) {
    const at = random.nextInt(bytes.length)
    if (at < 8 || at >= 20) bytes[at] = random.nextInt(256)
  }
  return random.nextInt(4) === 0 ? bytes.subarray(0, random.nextInt(bytes.length)) : bytes
}

function signed(request: MessageView): Uint8Array {
  return answer(request, false, (writer) => writer.writeMessageIntegrity(KEY))
}

function tooLong(request: MessageView): Uint8Array {
  return answer(request, true, (writer) => {
    writer.writeErrorCode(401).writeText(ATTRIBUTE_REALM, 'r'.repeat(764)).writeText(ATTRIBUTE_NONCE, 'nonce')
  })
}

function indication(text: string): Uint8Array {
  const bytes = new Uint8Array(100)
  const writer = new MessageWriter().begin(bytes, 0, CLASS_INDICATION, METHOD_DATA, new Uint8Array(12), 0)
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, PEER).writeBytes(ATTRIBUTE_DATA, Buffer.from(text))
  return bytes.subarray(0, writer.finish())
}
