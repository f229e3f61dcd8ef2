// IPv4 and IPv6 (RFC 8656 §7.2, §8, RFC 6156): which family a relay gets, dual allocations, and what a partial success says.
import type { Test } from 'tap'
import {
  ATTRIBUTE_ADDRESS_ERROR_CODE,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
} from '../../src/stun/constants.js'
import { UdpPeer } from '../support/udp-peer.js'
import { type Suite, withoutIPv6 } from './suite.js'

const ADDRESS_ERROR_IPV6_440 = '02000428'

export function dualStack(t: Test, suite: Suite): void {
  t.test('address families', { skip: withoutIPv6 }, async (t) => {
    const server = await suite.sharedServer()

    t.test('a request without a family gets an IPv4 relay, on an IPv6 listener too (RFC 8656 §7.2)', async (t) => {
      for (const family of [4, 6] as const) {
        const client = await suite.allocate(t, server, {}, { family })
        t.match(client.relayed.join(), /^127\.0\.0\.1:\d+$/)
      }
    })

    t.test(
      'REQUESTED-ADDRESS-FAMILY decides the family of the relay, not that of the listener (RFC 8656 §7.2)',
      async (t) => {
        for (const family of [4, 6] as const) {
          const clientToV4 = await suite.allocate(t, server, { family: 4 }, { family })
          t.match(clientToV4.relayed.join(), /^127\.0\.0\.1:\d+$/)
          const clientToV6 = await suite.connect(t, server, { family })
          const answer = await clientToV6.allocate({ family: 6 })
          t.match(clientToV6.relayed.join(), /^\[::1\]:\d+$/)
          t.equal(answer.address(ATTRIBUTE_XOR_MAPPED_ADDRESS).toString(), clientToV6.localAddress.toString())
        }
      },
    )

    t.test('ADDITIONAL-ADDRESS-FAMILY IPv6 gives both, and data flows over each (RFC 8656 §7.2)', async (t) => {
      const client = await suite.allocate(t, server, { additionalFamily: 6 })
      t.match(client.relayed.join(), /^127\.0\.0\.1:\d+,\[::1\]:\d+$/)
      for (const [index, host] of ['127.0.0.1', '::1'].entries()) {
        const peer = await UdpPeer.open(t, host)
        t.equal((await client.createPermission(peer.address)).code, 0)
        client.sendTo(peer.address, `to ${host}`)
        const datagram = await peer.inbox.next()
        t.equal(datagram.text, `to ${host}`)
        t.equal(datagram.source.toString(), client.relayed[index].toString())
        peer.send(datagram.source, `from ${host}`)
        t.match(await client.nextData(), { text: `from ${host}`, peer: peer.address.toString() })
      }
    })

    t.test('an IPv6 client reaches an IPv4 peer, and the other way round, by channels', async (t) => {
      for (const [family, relayFamily, host] of [
        [6, 4, '127.0.0.1'],
        [4, 6, '::1'],
      ] as const) {
        const client = await suite.allocate(t, server, { family: relayFamily }, { family })
        const peer = await UdpPeer.open(t, host)
        t.equal((await client.bindChannel(0x4000, peer.address)).code, 0)
        client.sendChannelData(0x4000, 'across')
        const datagram = await peer.inbox.next()
        peer.send(datagram.source, datagram.text)
        t.match(await client.nextData(), { channelNumber: 0x4000, text: 'across' })
      }
    })

    t.test('a peer of a family that the allocation lacks gets 443 (RFC 8656 §10.2, §12.2)', async (t) => {
      const [peer4, peer6] = [await UdpPeer.open(t), await UdpPeer.open(t, '::1')]
      for (const [family, peer] of [
        [4, peer6],
        [6, peer4],
      ] as const) {
        const client = await suite.allocate(t, server, { family })
        t.equal((await client.createPermission(peer.address)).code, 443)
        t.equal((await client.bindChannel(0x4000, peer.address)).code, 443)
        client.sendTo(peer.address, 'nowhere')
        await client.settle()
        t.same(await peer.receivedSoFar(), [])
      }
    })

    t.test('one of two relays can be deleted; the other goes on (RFC 8656 §8.1)', async (t) => {
      const client = await suite.allocate(t, server, { additionalFamily: 6 })
      const [relay4, relay6] = client.relayed
      const [peer4, peer6] = [await UdpPeer.open(t), await UdpPeer.open(t, '::1')]
      t.equal((await client.createPermission(peer4.address, peer6.address)).code, 0)
      t.equal((await client.refresh({ family: 6, lifetimeSeconds: 0 })).code, 0)
      await UdpPeer.open(t, '::1', relay6.port)
      t.equal((await client.refresh({ family: 6 })).code, 443)
      t.equal((await client.createPermission(peer6.address)).code, 443)
      client.sendTo(peer6.address, 'nowhere')
      client.sendTo(peer4.address, 'still there')
      t.match(await peer4.inbox.next(), { text: 'still there', source: relay4 })
      t.same(await peer6.receivedSoFar(), [])
      t.equal((await client.refresh({ family: 4, lifetimeSeconds: 0 })).code, 0)
      t.equal((await client.refresh()).code, 437, 'the last one takes the allocation along')
    })

    t.test('Refresh without a family is about both (RFC 8656 §8.2)', async (t) => {
      const client = await suite.allocate(t, server, { additionalFamily: 6 })
      t.equal((await client.refresh({ lifetimeSeconds: 1000 })).uint32(ATTRIBUTE_LIFETIME), 1000)
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).uint32(ATTRIBUTE_LIFETIME), 0)
      for (const { family, port } of client.relayed) await UdpPeer.open(t, family === 6 ? '::1' : '127.0.0.1', port)
    })
  })

  t.test('a server with IPv4 relays only', async (t) => {
    const server = await suite.startServer(t, { relayIp: '127.0.0.1' })

    t.test('refuses an IPv6 relay with 440 (RFC 8656 §7.2)', async (t) => {
      const client = await suite.connect(t, server)
      t.equal((await client.allocate({ family: 6 })).code, 440)
      t.equal((await client.allocate()).code, 0)
    })

    t.test('answers a dual allocation with IPv4 and ADDRESS-ERROR-CODE (RFC 8656 §7.2, §18.12)', async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.allocate({ additionalFamily: 6 })
      t.equal(answer.code, 0)
      t.match(client.relayed.join(), /^127\.0\.0\.1:\d+$/)
      t.equal(answer.value(ATTRIBUTE_ADDRESS_ERROR_CODE).toString('hex', 0, 4), ADDRESS_ERROR_IPV6_440)
    })
  })
}
