import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { BOB, requestUdp, writePeers } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'

const ALLOCATION_METHODS = [
  [stun.METHOD_REFRESH, 'Refresh'],
  [stun.METHOD_CREATE_PERMISSION, 'CreatePermission'],
  [stun.METHOD_CHANNEL_BIND, 'ChannelBind'],
] as const

/** A message of any class. */
function message(messageClass: number, method: number): Uint8Array {
  const bytes = new Uint8Array(100)
  const writer = new MessageWriter().begin(bytes, 0, messageClass, method, new Uint8Array(12), 0)
  return bytes.slice(0, requestUdp(writer).finish())
}

t.test('what is dropped silently, and counted', async (t) => {
  const harness = new CoreHarness()
  const client = harness.client()
  const binding = message(stun.CLASS_REQUEST, stun.METHOD_BINDING)
  const changed = (at: number, value: number) => {
    const copy = binding.slice()
    copy[at] = value
    return copy
  }
  for (const [name, bytes, reason] of [
    ['an empty datagram', new Uint8Array(0), drops.DROP_NOT_STUN],
    ['a first byte of 0x80 (RFC 7983: RTP)', changed(0, 0x80), drops.DROP_NOT_STUN],
    ['a first byte of 0xFF', changed(0, 0xff), drops.DROP_NOT_STUN],
    ['19 bytes', binding.slice(0, 19), drops.DROP_NOT_STUN],
    ['another magic cookie (RFC 8489 §6.3)', changed(4, 0x22), drops.DROP_NOT_STUN],
    ['a length that is no multiple of 4', changed(3, binding[3] + 1), drops.DROP_MALFORMED],
    ['a length that is not the datagram’s', changed(3, binding[3] + 4), drops.DROP_MALFORMED],
    ['an attribute beyond the end', changed(23, 8), drops.DROP_MALFORMED],
    ['an unknown method', message(stun.CLASS_REQUEST, 0x0ff), drops.DROP_UNKNOWN_METHOD],
    [
      'a ConnectionAttempt request',
      message(stun.CLASS_REQUEST, stun.METHOD_CONNECTION_ATTEMPT),
      drops.DROP_UNKNOWN_METHOD,
    ],
    [
      'a ConnectionAttempt indication',
      message(stun.CLASS_INDICATION, stun.METHOD_CONNECTION_ATTEMPT),
      drops.DROP_UNEXPECTED_CLASS,
    ],
    ['Shared Secret', message(stun.CLASS_REQUEST, stun.METHOD_SHARED_SECRET), drops.DROP_UNKNOWN_METHOD],
    ['a Send request', message(stun.CLASS_REQUEST, stun.METHOD_SEND), drops.DROP_UNKNOWN_METHOD],
    ['a Data indication', message(stun.CLASS_INDICATION, stun.METHOD_DATA), drops.DROP_UNEXPECTED_CLASS],
    ['an Allocate indication', message(stun.CLASS_INDICATION, stun.METHOD_ALLOCATE), drops.DROP_UNEXPECTED_CLASS],
    ['a success response', message(stun.CLASS_SUCCESS, stun.METHOD_BINDING), drops.DROP_UNEXPECTED_CLASS],
    ['an error response', message(stun.CLASS_ERROR, stun.METHOD_ALLOCATE), drops.DROP_UNEXPECTED_CLASS],
    [
      'a Send indication without allocation (RFC 8656 §5)',
      message(stun.CLASS_INDICATION, stun.METHOD_SEND),
      drops.DROP_NO_ALLOCATION,
    ],
    ['ChannelData without allocation (RFC 8656 §5)', Uint8Array.of(0x40, 0, 0, 0), drops.DROP_NO_ALLOCATION],
  ] as const) {
    t.test(name, async (t) => {
      const before = harness.core.drops[reason]
      t.equal(drops.DROP_NAMES[client.send(bytes)], drops.DROP_NAMES[reason])
      t.equal(harness.core.drops[reason], before + 1)
      t.same(harness.output.effects, [], 'no answer')
    })
  }

  t.test('a wrong FINGERPRINT; the right one is answered (RFC 8489 §7.3)', async (t) => {
    const withFingerprint = harness.client({ fingerprint: true })
    const request = withFingerprint.encode(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
    const wrong = request.slice()
    wrong[wrong.length - 1] ^= 1
    t.equal(withFingerprint.send(wrong), drops.DROP_BAD_FINGERPRINT)
    t.equal(withFingerprint.exchange(request)?.code, 0)
  })
})

t.test('requests about an allocation', async (t) => {
  for (const [method, name] of ALLOCATION_METHODS) {
    t.test(`${name} on an unknown 5-tuple gets 437 (RFC 8656 §5)`, async (t) => {
      const harness = new CoreHarness()
      const answer = harness.client().ask(method)
      t.equal(answer.code, 437)
      t.equal(harness.observer.lastRefusal(), 'no-allocation 437')
    })

    t.test(`${name} while the allocation is still opening gets 437`, async (t) => {
      const harness = new CoreHarness()
      harness.openOutcome = () => 'pending'
      const client = harness.client()
      t.equal(client.request(stun.METHOD_ALLOCATE, requestUdp), null)
      t.equal(client.ask(method).code, 437)
    })

    t.test(`${name} of another user on the same 5-tuple gets 441, and changes nothing (RFC 8656 §5)`, async (t) => {
      const harness = new CoreHarness()
      const alice = harness.client()
      alice.allocate()
      const bob = harness.client({ address: alice.address.toString(), user: BOB })
      const answer = bob.ask(method, (writer) => {
        writePeers(writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0), [PEER])
        writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, 0x4000_0000)
      })
      t.equal(answer.code, 441)
      t.equal(harness.observer.lastRefusal(), 'wrong-credentials 441')
      t.ok(bob.isProtected(answer), 'with the integrity of the one who asked')
      t.equal(alice.refresh().code, 0)
      t.equal(harness.allocationOf(alice).permissionCount, 0)
    })

    t.test(`${name} without credentials gets 401 whether there is an allocation or not`, async (t) => {
      const harness = new CoreHarness()
      const client = harness.client()
      t.equal(client.ask(method, () => {}, { integrity: 'none' }).code, 401)
      client.allocate()
      t.equal(client.ask(method, () => {}, { integrity: 'none' }).code, 401)
    })
  }

  t.test('a 5-tuple is also the listener: the same client elsewhere has no allocation', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate()
    t.equal(harness.client({ address: client.address.toString(), listenerId: 1 }).refresh().code, 437)
  })
})

t.test('420', async (t) => {
  const unknown = (writer: MessageWriter) => {
    requestUdp(writer).writeUint32(0x7ffe, 1).writeUint32(0x0033, 1).writeUint32(0x9999, 1).writeUint32(0x7ffe, 2)
  }

  t.test('lists all unknown required attributes once, in order (RFC 8489 §6.3.1)', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    for (const method of [stun.METHOD_ALLOCATE, ...ALLOCATION_METHODS.map(([each]) => each)]) {
      const answer = client.ask(method, unknown)
      t.equal(answer.code, 420)
      t.same(answer.unknownAttributes, [0x7ffe, 0x0033])
    }
    t.equal(harness.observer.lastRefusal(), 'unknown-attribute 420')
  })

  t.test('lists DONT-FRAGMENT among them if the engine has none', async (t) => {
    for (const [supportsDontFragment, expected] of [
      [false, [stun.ATTRIBUTE_DONT_FRAGMENT, 0x7ffe, 0x0033]],
      [true, [0x7ffe, 0x0033]],
    ] as const) {
      const answer = new CoreHarness({ supportsDontFragment }).client().ask(stun.METHOD_ALLOCATE, (writer) => {
        unknown(writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT))
      })
      t.same(answer.unknownAttributes, expected)
    }
  })

  t.test('comes after the credentials: strangers get 401', async (t) => {
    t.equal(new CoreHarness().client().ask(stun.METHOD_ALLOCATE, unknown, { integrity: 'none' }).code, 401)
  })

  t.test('comes before 437 and 441', async (t) => {
    const harness = new CoreHarness()
    const alice = harness.client()
    t.equal(alice.ask(stun.METHOD_REFRESH, unknown).code, 420)
    alice.allocate()
    t.equal(alice.ask(stun.METHOD_ALLOCATE, unknown).code, 420)
    const bob = harness.client({ address: alice.address.toString(), user: BOB })
    t.equal(bob.ask(stun.METHOD_REFRESH, unknown).code, 420)
  })

  t.test('room for as many as a message can have', async (t) => {
    const client = new CoreHarness().client()
    const types = Array.from({ length: 240 }, (_, index) => 0x7000 + index)
    const answer = client.ask(stun.METHOD_ALLOCATE, (writer) => {
      for (const type of types) writer.writeEmpty(type)
    })
    t.same(answer.unknownAttributes, types)
  })
})

t.test('of a duplicated attribute the first counts (RFC 8489 §14)', async (t) => {
  const client = new CoreHarness().client()
  const answer = client.allocate((writer) => {
    writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 700).writeUint32(stun.ATTRIBUTE_LIFETIME, 800)
  })
  t.equal(answer.lifetime, 700)
})

t.test('the end', async (t) => {
  t.test('of a stream connection ends its allocation at once', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate()
    const { id } = harness.relayOf(client)
    harness.core.handleClientClosed(harness.client().fiveTuple)
    t.equal(harness.core.allocations.size, 1, 'another one does not')
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(
      harness.output.of('close').map(({ relayId }) => relayId),
      [id],
    )
    t.equal(harness.observer.deleted[0].cause, 'client-closed')
    t.equal(harness.core.allocations.size, 0)
    t.equal(client.refresh().code, 437)
  })

  t.test('deleteAllAllocations closes everything, also what is opening', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['192.0.2.1', '2001:db8::1'] })
    for (let count = 0; count < 5; count++) {
      harness.client().allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
    }
    harness.openOutcome = () => 'pending'
    harness.client().request(stun.METHOD_ALLOCATE, requestUdp)
    harness.core.deleteAllAllocations('stopped')
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.core.openings.size, 0)
    t.equal(harness.core.relays.size, 0)
    t.equal(harness.relayPorts.claimedCount(), 0)
    t.equal(harness.core.quotas.held, 0)
    t.same(harness.openSockets(), [])
    t.same(
      harness.observer.deleted.map(({ cause }) => cause),
      new Array(5).fill('stopped'),
    )
  })
})

t.test('draining', async (t) => {
  t.test('refuses new allocations with 508, and carries on with the rest', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const allocated = client.allocate()
    const retransmission = client.lastRequest
    harness.core.drain()
    t.equal(harness.client().allocate().code, 508)
    t.equal(harness.observer.lastRefusal(), 'draining 508')
    t.same(client.exchange(retransmission)?.bytes, allocated.bytes, 'the old answer again is no new allocation')
    t.equal(client.createPermission(PEER).code, 0)
    t.equal(client.channelBind(0x4000, PEER).code, 0)
    t.equal(client.refresh(3600).code, 0)
    t.equal(client.channelData(0x4000, Buffer.from('on')), 0)
    t.equal(harness.peerSends(harness.relayOf(client).id, PEER, Buffer.from('on')), 0)
  })

  t.test('lets an allocation that was opening come to its end', async (t) => {
    const harness = new CoreHarness()
    harness.openOutcome = () => 'pending'
    const client = harness.client()
    client.request(stun.METHOD_ALLOCATE, requestUdp)
    harness.core.drain()
    const [{ relayId }] = harness.output.of('open')
    harness.core.handleRelayOpened(relayId)
    t.equal(client.refresh().code, 0)
  })

  t.test('refuses a token too, without spending it', async (t) => {
    const harness = new CoreHarness()
    const token = harness
      .client()
      .allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80))
      .value(stun.ATTRIBUTE_RESERVATION_TOKEN)
    harness.core.drain()
    t.equal(harness.client().allocate((writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token)).code, 508)
    t.equal(harness.core.reservations.size, 1)
  })
})
