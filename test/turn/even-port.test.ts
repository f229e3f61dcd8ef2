// EVEN-PORT and RESERVATION-TOKEN (RFC 8656 §7.2): allocations in pairs for RTP and RTCP.
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { BOB, type CoreClient, type Received } from '../support/core-client.js'
import { CoreHarness, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const RESERVATION_TICKS = 3000

function allocateEven(client: CoreClient, byte: number): Received {
  return client.allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, byte))
}

function allocateWith(client: CoreClient, token: Uint8Array): Received {
  return client.allocate((writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token))
}

function tokenOf(answer: Received): Uint8Array {
  return answer.value(stun.ATTRIBUTE_RESERVATION_TOKEN)
}

function portOf(answer: Received): number {
  return addressOf(answer.relayed[0]).port
}

t.test('EVEN-PORT with R=0', async (t) => {
  t.test('gives an even port, no token, and reserves nothing', async (t) => {
    const harness = new CoreHarness()
    for (let count = 0; count < 50; count++) {
      const answer = allocateEven(harness.client(), 0x7f)
      t.equal(portOf(answer) % 2, 0)
      t.notOk(answer.has(stun.ATTRIBUTE_RESERVATION_TOKEN))
    }
    t.equal(harness.relayPorts.claimedCount(), 50)
    t.equal(harness.core.quotas.held, 50)
    t.equal(harness.core.reservations.size, 0)
  })

  t.test('leaves the port above to anybody', async (t) => {
    const harness = new CoreHarness({ minPort: 24_000, maxPort: 24_001 })
    t.equal(portOf(allocateEven(harness.client(), 0)), 24_000)
    t.equal(portOf(harness.client({ user: BOB }).allocate()), 24_001)
  })

  t.test('gets 508 when only odd ports are left', async (t) => {
    const harness = new CoreHarness({ minPort: 24_001, maxPort: 24_001 })
    t.equal(allocateEven(harness.client(), 0).code, 508)
    t.equal(harness.core.quotas.held, 0)
  })

  t.test('works for two families', async (t) => {
    const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] })
    const answer = harness.client().allocate((writer) => {
      writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0).writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)
    })
    t.same(
      answer.relayed.map((relayed) => addressOf(relayed).port % 2),
      [0, 0],
    )
  })
})

t.test('EVEN-PORT with R=1', async (t) => {
  t.test('gives an even port and a token of 8 bytes, and counts two places', async (t) => {
    const harness = new CoreHarness()
    const answer = allocateEven(harness.client(), 0x80)
    t.equal(portOf(answer) % 2, 0)
    t.equal(tokenOf(answer).length, 8)
    t.equal(harness.relayPorts.claimedCount(), 2)
    t.equal(harness.core.quotas.heldBy('alice'), 2)
    t.equal(harness.output.of('open').length, 1, 'the reserved port is not bound')
  })

  t.test('needs two places of the quota (486) and of the licence (508)', async (t) => {
    const poor = new CoreHarness({ userQuota: 1 })
    t.equal(allocateEven(poor.client(), 0x80).code, 486)
    t.equal(allocateEven(poor.client(), 0).code, 0)
    const full = new CoreHarness({ maxAllocations: 3 })
    t.equal(allocateEven(full.client(), 0x80).code, 0)
    t.equal(allocateEven(full.client(), 0x80).code, 508)
    t.equal(full.observer.lastRefusal(), 'licence 508')
    t.equal(full.client().allocate().code, 0)
  })

  t.test('gives port and place back after 30 s, not a tick before', async (t) => {
    const harness = new CoreHarness({ minPort: 24_000, maxPort: 24_001 })
    const client = harness.client()
    allocateEven(client, 0x80)
    harness.advanceTicks(RESERVATION_TICKS - 1)
    t.equal(harness.client().allocate().code, 508, 'the port is not free')
    t.equal(harness.core.quotas.held, 2)
    harness.advanceTicks(1)
    t.equal(harness.core.quotas.held, 1)
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(portOf(harness.client().allocate()), 24_001)
    t.equal(client.refresh().code, 0, 'its own allocation goes on')
  })

  t.test('keeps the reservation when its allocation ends first', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const answer = allocateEven(client, 0x80)
    client.refresh(0)
    t.equal(harness.core.quotas.held, 1)
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(portOf(allocateWith(client, tokenOf(answer))), portOf(answer) + 1)
  })

  t.test('gives port and place back when the claim finds no room for another relay', async (t) => {
    const harness = new CoreHarness()
    const token = tokenOf(allocateEven(harness.client(), 0x80))
    harness.core.relays.nextId = () => -1
    t.equal(allocateWith(harness.client(), token).code, 508)
    t.equal(harness.observer.lastRefusal(), 'no-relay-port 508')
    t.same([harness.relayPorts.claimedCount(), harness.core.quotas.held, harness.core.reservations.size], [1, 1, 0])
  })

  t.test('leaks nothing in 1,000 rounds, claimed or not', async (t) => {
    const harness = new CoreHarness({ minPort: 24_001, maxPort: 24_008, maxAllocations: 4 })
    const clients = [harness.client(), harness.client()]
    for (let round = 0; round < 1000; round++) {
      const answer = allocateEven(clients[0], 0x80)
      if (answer.code !== 0) return t.fail(`round ${round}: ${answer.code}`)
      if (round % 2 === 0) {
        allocateWith(clients[1], tokenOf(answer))
        clients[1].refresh(0)
      }
      clients[0].refresh(0)
      harness.advanceTicks(round % 2 === 0 ? 0 : RESERVATION_TICKS)
      for (const client of clients) client.nonce = ''
    }
    t.equal(harness.relayPorts.claimedCount(), 0)
    t.equal(harness.core.quotas.held, 0)
    t.equal(harness.core.reservations.size, 0)
    return undefined
  })
})

t.test('RESERVATION-TOKEN', async (t) => {
  t.test('gives the port above, on another 5-tuple of the same user, in the place that was counted', async (t) => {
    const harness = new CoreHarness({ maxAllocations: 2, userQuota: 2 })
    const first = allocateEven(harness.client(), 0x80)
    const second = allocateWith(harness.client(), tokenOf(first))
    t.equal(second.code, 0)
    t.equal(portOf(second), portOf(first) + 1)
    t.notOk(second.has(stun.ATTRIBUTE_RESERVATION_TOKEN))
    t.equal(harness.core.quotas.held, 2)
    t.equal(harness.relayPorts.claimedCount(), 2)
    harness.advanceSeconds(31)
    t.equal(harness.relayPorts.claimedCount(), 2, 'it is no reservation any more')
    t.equal(harness.core.quotas.held, 2)
  })

  t.test('brings its relay address and family along', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['192.0.2.1', '192.0.2.2', SERVER_HOST_IPV6] })
    for (let count = 0; count < 20; count++) {
      const first = allocateEven(harness.client(), 0x80)
      const second = allocateWith(harness.client(), tokenOf(first))
      t.equal(second.relayed[0], first.relayed[0].replace(/\d+$/, String(portOf(first) + 1)))
    }
    const ipv6 = harness.client().allocate((writer) => {
      writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6).writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)
    })
    t.match(allocateWith(harness.client(), tokenOf(ipv6)).relayed, [/^\[2001:db8::1\]:/])
  })

  t.test('of another user gets 508, and stays good for its own', async (t) => {
    const harness = new CoreHarness()
    const token = tokenOf(allocateEven(harness.client(), 0x80))
    t.equal(allocateWith(harness.client({ user: BOB }), token).code, 508)
    t.equal(harness.observer.lastRefusal(), 'reservation-invalid 508')
    t.equal(harness.core.quotas.heldBy('bob'), 0)
    t.equal(allocateWith(harness.client(), token).code, 0)
  })

  t.test('used before gets 508', async (t) => {
    const harness = new CoreHarness()
    const token = tokenOf(allocateEven(harness.client(), 0x80))
    t.equal(allocateWith(harness.client(), token).code, 0)
    t.equal(allocateWith(harness.client(), token).code, 508)
  })

  t.test('is good for 30 s, and expired gets 508', async (t) => {
    for (const [ticks, code] of [
      [RESERVATION_TICKS - 1, 0],
      [RESERVATION_TICKS, 508],
    ]) {
      const harness = new CoreHarness()
      const token = tokenOf(allocateEven(harness.client(), 0x80))
      harness.advanceTicks(ticks)
      t.equal(allocateWith(harness.client(), token).code, code)
      t.equal(harness.relayPorts.claimedCount(), code === 0 ? 2 : 1)
    }
  })

  t.test('whose port a stranger has taken meanwhile gets 508, and everything is given back', async (t) => {
    const harness = new CoreHarness()
    const token = tokenOf(allocateEven(harness.client(), 0x80))
    harness.openOutcome = () => 'in-use'
    t.equal(allocateWith(harness.client(), token).code, 508)
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(harness.core.quotas.held, 1)
    t.equal(harness.core.reservations.size, 0)
  })

  t.test('is spent, but its port is given back, when the client goes while it opens', async (t) => {
    const harness = new CoreHarness()
    const token = tokenOf(allocateEven(harness.client(), 0x80))
    const client = harness.client()
    client.challenge()
    harness.openOutcome = () => 'pending'
    const request = client.encode(stun.METHOD_ALLOCATE, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, 17 << 24)
      writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token)
    })
    t.equal(client.exchange(request), null)
    harness.core.handleClientClosed(client.fiveTuple)
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(harness.core.quotas.held, 1)
  })
})
