// Allocate (RFC 8656 §7.2): what a success says, retransmissions, lifetimes, and the order of the refusals.
import type { Test } from 'tap'
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_RESERVATION_TOKEN,
  ATTRIBUTE_UNKNOWN_ATTRIBUTES,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  METHOD_ALLOCATE,
} from '../../src/stun/constants.js'
import { nextEvent } from '../support/next-event.js'
import { type AllocateOptions, describeAllocate } from '../support/turn-client.js'
import type { Suite } from './suite.js'

const DONT_FRAGMENT = 0x001a
const SCTP = 132
const TCP = 6
const UNKNOWN_FAMILY = 3
const TOKEN = Buffer.from('no token')

/** Each request has two faults; the one that the RFC looks at first decides. */
const ORDER: readonly (readonly [sentence: string, request: AllocateOptions, code: number])[] = [
  ['unknown required attribute (420) before a missing transport (400)', { protocol: null, extra: unknown }, 420],
  ['missing transport (400) before an unknown family (440)', { protocol: null, family: UNKNOWN_FAMILY }, 400],
  [
    'unsupported transport (442) before token with EVEN-PORT (400)',
    { protocol: SCTP, token: TOKEN, evenPort: 'even' },
    442,
  ],
  ['unsupported transport (442) before an unknown family (440)', { protocol: SCTP, family: UNKNOWN_FAMILY }, 442],
  ['token with EVEN-PORT (400) before an unknown token (508)', { token: TOKEN, evenPort: 'pair' }, 400],
  ['token with a family (400) before an unknown token (508)', { token: TOKEN, family: 4 }, 400],
  ['token with a family (400) before an unknown family (440)', { token: TOKEN, family: UNKNOWN_FAMILY }, 400],
  ['token with an additional family (400)', { token: TOKEN, additionalFamily: 6 }, 400],
  ['both family attributes (400) before an unknown family (440)', { family: UNKNOWN_FAMILY, additionalFamily: 6 }, 400],
  ['both family attributes (400), even if they agree', { family: 6, additionalFamily: 6 }, 400],
  ['unknown family (440)', { family: UNKNOWN_FAMILY }, 440],
  [
    'unknown additional family (440) before EVEN-PORT with R (400)',
    { additionalFamily: UNKNOWN_FAMILY, evenPort: 'pair' },
    440,
  ],
  ['EVEN-PORT with R and an additional family (400)', { additionalFamily: 6, evenPort: 'pair' }, 400],
  ['IPv4 as the additional family (400)', { additionalFamily: 4 }, 400],
  ['unknown token (508)', { token: TOKEN }, 508],
]

function unknown(writer: { writeEmpty(type: number): unknown }): void {
  writer.writeEmpty(0x7f01)
}

export function allocate(t: Test, suite: Suite): void {
  t.test('Allocate', async (t) => {
    const server = await suite.sharedServer()
    const { minPort, maxPort } = server.settings
    // Of its own: elsewhere the allocations of other tests come and go.
    const counting = await suite.startServer(t)

    t.test('is answered with relayed and mapped address, lifetime and integrity (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.allocate()
      t.equal(answer.code, 0)
      const relayed = answer.addresses(ATTRIBUTE_XOR_RELAYED_ADDRESS)
      t.match(relayed.join(), /^127\.0\.0\.1:\d+$/)
      t.ok(relayed[0].port >= minPort && relayed[0].port <= maxPort, `port ${relayed[0].port} is in the range`)
      t.equal(answer.address(ATTRIBUTE_XOR_MAPPED_ADDRESS).toString(), client.localAddress.toString())
      t.equal(answer.uint32(ATTRIBUTE_LIFETIME), 600)
      t.same(answer.types, [
        ATTRIBUTE_XOR_RELAYED_ADDRESS,
        ATTRIBUTE_LIFETIME,
        ATTRIBUTE_XOR_MAPPED_ADDRESS,
        ATTRIBUTE_MESSAGE_INTEGRITY,
      ])
    })

    t.test('is reported with user, client and relay', async (t) => {
      const client = await suite.connect(t, server)
      const clientAddress = client.localAddress.toString()
      const reported = nextEvent(server, 'allocation', (info) => info.client === clientAddress)
      t.equal((await client.allocate({ lifetimeSeconds: 1200 })).code, 0)
      const relayed = [client.relay.toString()]
      t.same(await reported, [{ user: 'alice', client: clientAddress, relayed, lifetimeSeconds: 1200 }])
    })

    t.test('of the same transaction again gets the same answer, token included (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, counting)
      await client.learnChallenge()
      const request = client.message(METHOD_ALLOCATE, (writer) => describeAllocate(writer, { evenPort: 'pair' }))
      const first = await client.exchange(request)
      t.equal(first.value(ATTRIBUTE_RESERVATION_TOKEN).length, 8)
      for (let round = 0; round < 3; round++) {
        t.equal((await client.exchange(request)).bytes.toString('hex'), first.bytes.toString('hex'))
      }
      await suite.allocationCountIs(t, counting, 1)
      await client.refresh({ lifetimeSeconds: 0 })
    })

    t.test('sent many times at once is one allocation with one relay (RFC 8489 §6.3.1)', async (t) => {
      await suite.allocationCountIs(t, counting, 0)
      const client = await suite.connect(t, counting)
      await client.learnChallenge()
      // A pair: an answer before the sockets are open would lack its token.
      const request = client.message(METHOD_ALLOCATE, (writer) => describeAllocate(writer, { evenPort: 'pair' }))
      for (let copy = 0; copy < 20; copy++) client.transport.send(request)
      const first = await client.exchange(request)
      await client.settle()
      const answers = [first.bytes, ...client.inbox.takeAll()]
      t.same(new Set(answers.map((bytes) => bytes.toString('hex'))).size, 1, `${answers.length} equal answers`)
      await suite.allocationCountIs(t, counting, 1)
    })

    t.test('of another transaction gets 437, whatever it asks for (RFC 8656 §7.2)', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.allocate()).code, 437)
      t.equal((await client.allocate({ protocol: null })).code, 437)
      t.equal((await client.allocate({ protocol: SCTP })).code, 437)
      t.equal((await client.refresh()).code, 0, 'and the first one goes on')
    })

    t.test('needs REQUESTED-TRANSPORT of four bytes: 400 (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      t.equal((await client.allocate({ protocol: null })).code, 400)
      for (const length of [0, 1, 3, 5, 8]) {
        const extra: AllocateOptions['extra'] = (writer) => {
          writer.writeBytes(ATTRIBUTE_REQUESTED_TRANSPORT, Buffer.alloc(length, 17))
        }
        t.equal((await client.allocate({ protocol: null, extra })).code, 400, `${length} bytes`)
      }
    })

    t.test('for a transport that does not exist gets 442 (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      for (const protocol of [0, 1, 16, 18, SCTP, 255]) t.equal((await client.allocate({ protocol })).code, 442)
    })

    const overDatagrams = { skip: suite.transport.isStream && 'this transport has TCP relays' }
    t.test('for TCP relays over UDP gets 400 (RFC 6062 §5.1)', overDatagrams, async (t) => {
      const client = await suite.connect(t, server)
      t.equal((await client.allocate({ protocol: TCP })).code, 400)
    })

    t.test('with DONT-FRAGMENT gets 420 from an engine that cannot set DF (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.allocate({ dontFragment: true })
      if (suite.transport.supportsDontFragment) {
        t.equal(answer.code, 0)
        return
      }
      t.equal(answer.code, 420)
      t.same(answer.uint16s(ATTRIBUTE_UNKNOWN_ATTRIBUTES), [DONT_FRAGMENT])
      t.equal((await client.allocate({ dontFragment: true, protocol: SCTP })).code, 442, '442 comes first')
      t.equal((await client.allocate({ dontFragment: true, family: UNKNOWN_FAMILY })).code, 420, '440 comes later')
      const both = await client.allocate({ dontFragment: true, extra: unknown })
      t.same(both.uint16s(ATTRIBUTE_UNKNOWN_ATTRIBUTES), [DONT_FRAGMENT, 0x7f01], 'and 420 lists all')
    })

    t.test('has its faults judged in the order of the RFC (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      for (const [sentence, request, code] of ORDER) t.equal((await client.allocate(request)).code, code, sentence)
      t.equal((await client.allocate()).code, 0, 'and none of them left anything behind')
    })

    t.test('grants 600 s for anything below it, and at most 3600 s (RFC 8656 §7.2)', async (t) => {
      const lifetimes = [
        [0, 600],
        [1, 600],
        [599, 600],
        [600, 600],
        [601, 601],
        [3600, 3600],
        [3601, 3600],
        [0xffffffff, 3600],
      ] as const
      for (const [lifetimeSeconds, granted] of lifetimes) {
        const client = await suite.connect(t, server)
        const answer = await client.allocate({ lifetimeSeconds })
        t.equal(answer.uint32(ATTRIBUTE_LIFETIME), granted, `asked for ${lifetimeSeconds}`)
        await client.refresh({ lifetimeSeconds: 0 })
      }
    })

    t.test('draws ports that do not follow each other (RFC 8656 §7.2)', async (t) => {
      const ports: number[] = []
      for (let index = 0; index < 30; index++) ports.push((await suite.allocate(t, server)).relay.port)
      const steps = new Set(ports.slice(1).map((port, index) => port - ports[index]))
      t.ok(steps.size > 15, `${steps.size} different steps between 30 ports`)
    })
  })
}
