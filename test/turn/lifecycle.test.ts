import t, { type Test } from 'tap'
import * as stun from '../../src/stun/constants.js'
import { type CoreClient, requestUdp, type Write } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'

const DUAL = { relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] }
const bothFamilies: Write = (writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)
const pair: Write = (writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)

/** A client whose Allocate waits for its sockets. */
function waiting(options: CoreHarnessOptions, write: Write = () => {}): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness(options)
  harness.openOutcome = () => 'pending'
  const client = harness.client()
  client.request(stun.METHOD_ALLOCATE, (writer) => write(requestUdp(writer)))
  return { harness, client }
}

function holdsNothing(t: Test, harness: CoreHarness): void {
  const { core } = harness
  t.equal(core.allocations.size, 0, 'no allocation')
  t.equal(core.openings.size, 0, 'no opening')
  t.equal(core.relays.size, 0, 'no relay')
  t.equal(core.quotas.held, 0, 'no quota')
  t.equal(harness.relayPorts.claimedCount(), 0, 'no port')
}

t.test('a relay port that a stranger has', async (t) => {
  t.test('is given back, and another one is tried', async (t) => {
    const harness = new CoreHarness()
    let failures = 3
    harness.openOutcome = () => (failures-- > 0 ? 'in-use' : 'opened')
    const client = harness.client()
    const answer = client.allocate()
    const opens = harness.output.of('open')
    t.equal(answer.code, 0)
    t.equal(opens.length, 4)
    t.equal(new Set(opens.map(({ relayId }) => relayId)).size, 1)
    t.ok(
      opens.every(({ port }, index) => index === 0 || port !== opens[index - 1].port),
      'never the one that has just failed',
    )
    t.same(answer.relayed, [opens[3].address], 'the client is told the one that opened')
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.same(harness.observer.refusals, [])
  })

  t.test('ends in 508 after eight, with nothing held', async (t) => {
    const harness = new CoreHarness()
    harness.openOutcome = () => 'in-use'
    t.equal(harness.client().allocate().code, 508)
    t.equal(harness.observer.lastRefusal(), 'relay-failed 508')
    t.equal(harness.output.of('open').length, 8)
    holdsNothing(t, harness)
    t.same(harness.observer.created, [])
    t.same(harness.observer.deleted, [])
  })

  t.test('stays even, and keeps its neighbour, with EVEN-PORT', async (t) => {
    for (const [evenPort, claimed] of [
      [0x00, 1],
      [0x80, 2],
    ]) {
      const harness = new CoreHarness()
      let failures = 5
      harness.openOutcome = () => (failures-- > 0 ? 'in-use' : 'opened')
      harness.client().allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, evenPort))
      t.ok(harness.output.of('open').every(({ port }) => port % 2 === 0))
      t.equal(harness.relayPorts.claimedCount(), claimed)
    }
  })

  t.test('ends in 508 at once when it is the last of the range', async (t) => {
    const harness = new CoreHarness({ minPort: 24_000, maxPort: 24_001 })
    harness.client().allocate()
    harness.openOutcome = () => 'in-use'
    t.equal(harness.client().allocate().code, 508)
    t.equal(harness.output.of('open').length, 2, 'there is no other one to try')
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(harness.core.quotas.held, 1)
  })
})

t.test('an operating system that refuses sockets (EMFILE) ends in 508 at once, with nothing held', async (t) => {
  for (const [name, write] of [
    ['one family', () => {}],
    ['two families', bothFamilies],
    ['a pair', pair],
  ] as readonly (readonly [string, Write])[]) {
    t.test(name, async (t) => {
      const harness = new CoreHarness(DUAL)
      harness.openOutcome = () => 'refused'
      const client = harness.client()
      t.equal(client.allocate(write).code, 508)
      t.ok(harness.output.of('open').length <= 2)
      holdsNothing(t, harness)
      harness.openOutcome = () => 'opened'
      t.equal(client.allocate(write).code, 0, 'and it may try again')
    })
  }
})

t.test('two families', async (t) => {
  for (const failedFamily of [4, 6] as const) {
    t.test(
      `with a failing IPv${failedFamily} socket: success, and ADDRESS-ERROR-CODE 508 (RFC 8656 §7.2)`,
      async (t) => {
        const { harness, client } = waiting(DUAL, bothFamilies)
        const [ipv4, ipv6] = harness.output.of('open')
        const [failed, other] = failedFamily === 4 ? [ipv4, ipv6] : [ipv6, ipv4]
        const first = harness.output.effects.length
        harness.core.handleRelayFailed(failed.relayId, false)
        t.same(client.messagesSince(first), [], 'not decided yet')
        harness.core.handleRelayOpened(other.relayId)
        const [answer] = client.messagesSince(first)
        t.equal(answer.code, 0)
        t.same(answer.relayed, [other.address])
        const error = answer.value(stun.ATTRIBUTE_ADDRESS_ERROR_CODE)
        t.equal(error[0], failedFamily === 4 ? 1 : 2)
        t.equal(error[2] * 100 + error[3], 508)
        t.equal(harness.relayPorts.claimedCount(), 1)
        t.equal(harness.core.quotas.held, 1)
      },
    )
  }

  t.test('answers when both are decided, in either order', async (t) => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { harness, client } = waiting(DUAL, bothFamilies)
      const opens = harness.output.of('open')
      const first = harness.output.effects.length
      harness.core.handleRelayOpened(opens[order[0]].relayId)
      t.same(client.messagesSince(first), [])
      harness.core.handleRelayOpened(opens[order[1]].relayId)
      t.same(
        client.messagesSince(first)[0].relayed,
        opens.map(({ address }) => address),
      )
    }
  })

  t.test('one port in use is tried elsewhere while the other waits', async (t) => {
    const { harness, client } = waiting(DUAL, bothFamilies)
    const [ipv4, ipv6] = harness.output.of('open')
    harness.core.handleRelayOpened(ipv6.relayId)
    harness.core.handleRelayFailed(ipv4.relayId, true)
    const second = harness.output.of('open')[2]
    t.equal(second.relayId, ipv4.relayId)
    const first = harness.output.effects.length
    harness.core.handleRelayOpened(second.relayId)
    t.same(client.messagesSince(first)[0].relayed, [second.address, ipv6.address])
    t.equal(harness.relayPorts.claimedCount(), 2)
  })

  t.test('without an IPv6 relay address: IPv4, and ADDRESS-ERROR-CODE 440', async (t) => {
    const answer = new CoreHarness().client().allocate(bothFamilies)
    t.equal(answer.code, 0)
    t.equal(answer.relayed.length, 1)
    t.same([...answer.value(stun.ATTRIBUTE_ADDRESS_ERROR_CODE).subarray(0, 4)], [2, 0, 4, 40])
  })

  t.test('without an IPv4 relay address: IPv6, and ADDRESS-ERROR-CODE 440', async (t) => {
    const answer = new CoreHarness({ relayHosts: [SERVER_HOST_IPV6] }).client().allocate(bothFamilies)
    t.equal(answer.code, 0)
    t.match(answer.relayed, [/^\[2001/])
    t.same([...answer.value(stun.ATTRIBUTE_ADDRESS_ERROR_CODE).subarray(0, 4)], [1, 0, 4, 40])
  })

  t.test('with the ports of one family all taken: success, and ADDRESS-ERROR-CODE 508', async (t) => {
    const harness = new CoreHarness({ ...DUAL, minPort: 24_000, maxPort: 24_000 })
    harness.relayPorts.claim(1)
    const answer = harness.client().allocate(bothFamilies)
    t.equal(answer.code, 0)
    t.same([...answer.value(stun.ATTRIBUTE_ADDRESS_ERROR_CODE).subarray(0, 4)], [2, 0, 5, 8])
  })
})

t.test('an allocation that ends while it is opening', async (t) => {
  for (const [name, write] of [
    ['one family', () => {}],
    ['two families', bothFamilies],
    ['a pair', pair],
  ] as readonly (readonly [string, Write])[]) {
    t.test(`gives everything back, and late answers find nothing: ${name}`, async (t) => {
      for (const end of ['client', 'all'] as const) {
        const { harness, client } = waiting(DUAL, write)
        const ids = harness.output.of('open').map(({ relayId }) => relayId)
        if (end === 'client') harness.core.handleClientClosed(client.fiveTuple)
        else harness.core.deleteAllAllocations('stopped')
        t.same(
          harness.output.of('close').map(({ relayId }) => relayId),
          ids,
        )
        holdsNothing(t, harness)
        t.equal(harness.core.reservations.size, 0)
        const count = harness.output.effects.length
        for (const id of ids) {
          harness.core.handleRelayOpened(id)
          harness.core.handleRelayFailed(id, true)
          t.not(harness.peerSends(id, '1.2.3.4:80', new Uint8Array(1)), 0)
        }
        t.equal(harness.output.effects.length, count, 'no answer, no effect')
        t.same(harness.observer.created, [])
        t.same(harness.observer.deleted, [], 'nobody heard of it')
        holdsNothing(t, harness)
      }
    })
  }

  t.test('half open: the open socket is closed too', async (t) => {
    const { harness, client } = waiting(DUAL, bothFamilies)
    const [ipv4, ipv6] = harness.output.of('open')
    harness.core.handleRelayOpened(ipv4.relayId)
    t.equal(harness.relayPorts.liveCount(0), 1)
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(
      harness.output.of('close').map(({ relayId }) => relayId),
      [ipv4.relayId, ipv6.relayId],
    )
    t.equal(harness.relayPorts.liveCount(0), 0)
    holdsNothing(t, harness)
  })

  t.test('after one family failed: the other is closed', async (t) => {
    const { harness, client } = waiting(DUAL, bothFamilies)
    const [ipv4, ipv6] = harness.output.of('open')
    harness.core.handleRelayFailed(ipv4.relayId, false)
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(
      harness.output.of('close').map(({ relayId }) => relayId),
      [ipv6.relayId],
    )
    holdsNothing(t, harness)
  })
})

t.test('answers about relays that are open already or gone', async (t) => {
  t.test('change nothing', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate()
    const { id } = harness.relayOf(client)
    const count = harness.output.effects.length
    harness.core.handleRelayOpened(id)
    harness.core.handleRelayFailed(id, false)
    harness.core.handleRelayOpened(id + 1)
    harness.core.handleRelayFailed(-1, true)
    t.equal(harness.output.effects.length, count)
    t.equal(client.refresh().code, 0)
    t.equal(harness.relayPorts.liveCount(0), 1)
  })

  t.test('a datagram for a closed relay reaches nobody, also when its slot has a new tenant', async (t) => {
    const harness = new CoreHarness()
    const first = harness.client()
    first.allocate()
    const { id } = harness.relayOf(first)
    first.refresh(0)
    const second = harness.client()
    second.allocate()
    second.createPermission('1.2.3.4')
    const count = harness.output.effects.length
    t.not(harness.peerSends(id, '1.2.3.4:80', Buffer.from('late')), 0)
    t.equal(harness.output.effects.length, count)
  })
})
