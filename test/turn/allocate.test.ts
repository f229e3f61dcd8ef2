import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { DROP_DUPLICATE_REQUEST } from '../../src/turn/drop-reasons.js'
import { BOB, requestUdp, type Write } from '../support/core-client.js'
import { CoreHarness, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const DUAL = { relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] }

const withLifetime =
  (seconds: number): Write =>
  (writer) =>
    writer.writeUint32(stun.ATTRIBUTE_LIFETIME, seconds)
const withFamily =
  (family: 4 | 6): Write =>
  (writer) =>
    writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family)

t.test('a successful Allocate', async (t) => {
  t.test(
    'answers relayed address, lifetime and reflexive address, and opens that socket (RFC 8656 §7.3)',
    async (t) => {
      const harness = new CoreHarness()
      const client = harness.client()
      const answer = client.allocate()
      t.equal(answer.code, 0)
      t.same(answer.types, [
        stun.ATTRIBUTE_XOR_RELAYED_ADDRESS,
        stun.ATTRIBUTE_LIFETIME,
        stun.ATTRIBUTE_XOR_MAPPED_ADDRESS,
      ])
      t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), [client.address.toString()])
      t.same(
        answer.relayed,
        harness.output.of('open').map(({ address }) => address),
      )
      const { host, port } = { host: answer.relayed[0].split(':')[0], port: Number(answer.relayed[0].split(':')[1]) }
      t.equal(host, SERVER_HOST)
      t.ok(port >= 24_000 && port <= 29_999)
      t.equal(harness.observer.created[0], harness.allocationOf(client))
      t.equal(harness.core.quotas.heldBy('alice'), 1)
    },
  )

  t.test('is answered only when the socket is open', async (t) => {
    const harness = new CoreHarness()
    harness.openOutcome = () => 'pending'
    const client = harness.client()
    t.equal(client.request(stun.METHOD_ALLOCATE, requestUdp), null)
    t.same(harness.observer.created, [])
    const [{ relayId }] = harness.output.of('open')
    const first = harness.output.effects.length
    harness.core.handleRelayOpened(relayId)
    t.equal(client.messagesSince(first)[0].code, 0)
    t.equal(harness.observer.created.length, 1)
  })

  t.test('without a family is IPv4, for IPv6 clients too', async (t) => {
    const answer = new CoreHarness(DUAL).client({ address: '[2a00:1450::7]:50000' }).allocate()
    t.match(answer.relayed, [/^192\.0\.2\.1:/])
    t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), ['[2a00:1450::7]:50000'])
  })

  t.test('with REQUESTED-ADDRESS-FAMILY is of that family (RFC 8656 §7.2)', async (t) => {
    t.match(new CoreHarness(DUAL).client().allocate(withFamily(6)).relayed, [/^\[2001:db8::1\]:/])
    t.match(new CoreHarness(DUAL).client().allocate(withFamily(4)).relayed, [/^192\.0\.2\.1:/])
  })

  t.test('binds PRIVATE and tells PUBLIC behind static NAT', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['203.0.113.1/10.0.0.1'] })
    const answer = harness.client().allocate()
    const [{ address, port }] = harness.output.of('open')
    t.same(answer.relayed, [`203.0.113.1:${port}`])
    t.equal(address, `10.0.0.1:${port}`)
  })

  t.test('spreads over several relay addresses of one family', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['192.0.2.1', '192.0.2.2', '2001:db8::1'] })
    const hosts = Array.from({ length: 60 }, () => harness.client().allocate().relayed[0].split(':')[0])
    for (const host of ['192.0.2.1', '192.0.2.2']) {
      t.ok(hosts.filter((each) => each === host).length > 15, host)
    }
  })

  t.test('takes another relay address when the ports of one are all taken', async (t) => {
    const relayHosts = ['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3']
    for (let seed = 0; seed < 20; seed++) {
      const harness = new CoreHarness({ seed, relayHosts, minPort: 24_000, maxPort: 24_001 })
      for (let count = 0; count < 6; count++) t.equal(harness.client().allocate().code, 0)
      t.equal(harness.client().allocate().code, 508)
      t.equal(harness.relayPorts.claimedCount(), 6)
    }
  })

  t.test('draws ports that cannot be foretold (RFC 8656 §7.2)', async (t) => {
    const harness = new CoreHarness()
    const ports = Array.from({ length: 200 }, () => addressOf(harness.client().allocate().relayed[0]).port)
    t.equal(new Set(ports).size, 200)
    const steps = new Set(ports.slice(1).map((port, index) => port - ports[index]))
    t.ok(steps.size > 150, 'no stride')
  })
})

t.test('the lifetime of an allocation (RFC 8656 §7.2)', async (t) => {
  for (const [asked, granted] of [
    [undefined, 600],
    [0, 600],
    [1, 600],
    [599, 600],
    [600, 600],
    [601, 601],
    [3599, 3599],
    [3600, 3600],
    [3601, 3600],
    [0xffffffff, 3600],
  ] as const) {
    t.test(`is ${granted} s for ${asked ?? 'no LIFETIME'}, and ends at that tick`, async (t) => {
      const harness = new CoreHarness()
      const client = harness.client()
      t.equal(client.allocate(asked === undefined ? () => {} : withLifetime(asked)).lifetime, granted)
      const { id } = harness.relayOf(client)
      harness.advanceTicks(granted * 100 - 1)
      t.equal(harness.core.allocations.size, 1)
      t.same(harness.openSockets(), [id])
      harness.advanceTicks(1)
      t.equal(harness.core.allocations.size, 0)
      t.same(harness.openSockets(), [])
      t.equal(harness.observer.deleted[0].cause, 'expired')
      t.equal(harness.core.quotas.held, 0)
      t.equal(harness.relayPorts.claimedCount(), 0)
    })
  }
})

t.test('a retransmitted Allocate', async (t) => {
  for (const [name, write] of [
    ['', () => {}],
    [' with a token', (writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)],
    [' for two families', (writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)],
    [' over IPv6 with a lifetime', withLifetime(700)],
  ] as readonly (readonly [string, Write])[]) {
    t.test(`gets the same answer again, byte for byte${name} (RFC 8656 §7.2 step 2)`, async (t) => {
      const harness = new CoreHarness(DUAL)
      const client = harness.client({ address: '[2a00:1450::7]:50000' })
      const first = client.allocate(write)
      const retransmission = client.lastRequest
      const taken = [harness.relayPorts.claimedCount(), harness.core.quotas.held, harness.core.reservations.size]
      t.same(client.exchange(retransmission)?.bytes, first.bytes)
      harness.advanceSeconds(20)
      client.createPermission('1.2.3.4')
      client.refresh(3600)
      t.same(client.exchange(retransmission)?.bytes, first.bytes, 'whatever happened meanwhile')
      t.same([harness.relayPorts.claimedCount(), harness.core.quotas.held, harness.core.reservations.size], taken)
      t.equal(harness.core.allocations.size, 1)
      t.equal(harness.observer.created.length, 1)
    })
  }

  t.test('is recognised by its transaction id alone: its nonce may be a fresh one', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const transactionId = new Uint8Array(12).fill(7)
    const first = client.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId })
    const firstNonce = client.nonce
    harness.advanceSeconds(5)
    client.challenge()
    t.not(client.nonce, firstNonce)
    t.same(client.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId }).bytes, first.bytes)
  })

  t.test('says the partial success of two families again', async (t) => {
    const client = new CoreHarness().client()
    const first = client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
    t.ok(first.has(stun.ATTRIBUTE_ADDRESS_ERROR_CODE))
    t.same(client.retransmit()?.bytes, first.bytes)
  })

  t.test('is absorbed while the sockets are opening: one answer, one allocation', async (t) => {
    const harness = new CoreHarness()
    harness.openOutcome = () => 'pending'
    const client = harness.client()
    client.request(stun.METHOD_ALLOCATE, requestUdp)
    for (let count = 0; count < 5; count++) {
      t.equal(client.retransmit(), null)
      t.equal(client.drop, DROP_DUPLICATE_REQUEST)
    }
    t.equal(harness.output.of('open').length, 1)
    t.equal(harness.core.quotas.held, 1)
    const first = harness.output.effects.length
    harness.core.handleRelayOpened(harness.output.of('open')[0].relayId)
    t.equal(client.messagesSince(first).length, 1)
    t.equal(client.retransmit()?.code, 0)
  })

  t.test('is another transaction when the id differs in any byte: 437', async (t) => {
    for (const isOpening of [true, false]) {
      const harness = new CoreHarness()
      if (isOpening) harness.openOutcome = () => 'pending'
      const client = harness.client()
      const id = new Uint8Array(12).fill(7)
      client.request(stun.METHOD_ALLOCATE, requestUdp, { transactionId: id })
      for (const at of [0, 5, 11]) {
        const other = id.slice()
        other[at] ^= 1
        t.equal(client.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId: other }).code, 437)
      }
      t.equal(harness.observer.lastRefusal(), 'allocation-exists 437')
    }
  })

  t.test('is not answered to another user who knows the id', async (t) => {
    const harness = new CoreHarness()
    const alice = harness.client()
    const transactionId = new Uint8Array(12).fill(7)
    alice.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId })
    const bob = harness.client({ address: alice.address.toString(), user: BOB })
    const answer = bob.ask(stun.METHOD_ALLOCATE, requestUdp, { transactionId })
    t.equal(answer.code, 437)
    t.notOk(answer.has(stun.ATTRIBUTE_XOR_RELAYED_ADDRESS))
  })

  t.test('is a new request once the allocation is gone', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const first = client.allocate()
    const request = client.lastRequest
    client.refresh(0)
    const second = client.exchange(request)
    t.equal(second?.code, 0)
    t.equal(harness.observer.created.length, 2)
    t.notSame(second?.relayed, first.relayed)
  })
})

t.test('quota and licence', async (t) => {
  t.test('exactly N of 200 Allocates at once get in, while their sockets are opening (security.md)', async (t) => {
    for (const [options, code] of [
      [{ userQuota: 10 }, 486],
      [{ maxAllocations: 10 }, 508],
    ] as const) {
      const harness = new CoreHarness(options)
      harness.openOutcome = () => 'pending'
      const clients = Array.from({ length: 200 }, () => harness.client())
      const answers = clients.map((client) => client.request(stun.METHOD_ALLOCATE, requestUdp))
      t.equal(answers.filter((answer) => answer === null).length, 10)
      t.equal(answers.filter((answer) => answer?.code === code).length, 190)
      for (const { relayId } of harness.output.of('open')) harness.core.handleRelayOpened(relayId)
      t.equal(harness.core.allocations.size, 10)
      clients[0].refresh(0)
      t.equal(clients[199].request(stun.METHOD_ALLOCATE, requestUdp), null, 'a place that is free again is given')
      t.equal(clients[198].request(stun.METHOD_ALLOCATE, requestUdp)?.code, code)
    }
  })

  t.test('one user’s quota is not another’s', async (t) => {
    const harness = new CoreHarness({ userQuota: 1 })
    t.equal(harness.client().allocate().code, 0)
    t.equal(harness.client().allocate().code, 486)
    t.equal(harness.client({ user: BOB }).allocate().code, 0)
  })

  t.test('an allocation for two families counts once', async (t) => {
    const harness = new CoreHarness({ ...DUAL, userQuota: 1, maxAllocations: 1 })
    const answer = harness
      .client()
      .allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
    t.equal(answer.relayed.length, 2)
    t.equal(harness.core.quotas.held, 1)
  })

  t.test('exactly as many allocations as ports, then 508 (security.md)', async (t) => {
    const harness = new CoreHarness({ minPort: 24_000, maxPort: 24_049 })
    const ports = new Set<string>()
    for (let count = 0; count < 50; count++) ports.add(harness.client().allocate().relayed[0])
    t.equal(ports.size, 50)
    t.equal(harness.client().allocate().code, 508)
    t.equal(harness.observer.lastRefusal(), 'no-relay-port 508')
    t.equal(harness.core.quotas.held, 50, 'the refused one holds no place')
  })
})
