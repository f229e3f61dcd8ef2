// CreatePermission (RFC 8656 §9, §10): permissions are for IP addresses, and a request is granted as a whole or not at all.
// That they end after 300 s is tested in test/turn, with a clock of its own.
import type { Test } from 'tap'
import {
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  METHOD_CREATE_PERMISSION,
} from '../../src/stun/constants.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { type Suite, withoutIPv6 } from './suite.js'

const FORBIDDEN = addressOf('10.1.2.3', 4000)

export function permissions(t: Test, suite: Suite): void {
  t.test('CreatePermission', async (t) => {
    const server = await suite.sharedServer()

    t.test('lets a peer in, whatever its port; nobody else (RFC 8656 §9, §11.3)', async (t) => {
      const client = await suite.allocate(t, server)
      const [peer, samePeer] = [await UdpPeer.open(t, '127.0.0.2'), await UdpPeer.open(t, '127.0.0.2')]
      const stranger = await UdpPeer.open(t, '127.0.0.3')
      stranger.send(client.relay, 'too early')
      peer.send(client.relay, 'too early')
      await client.settle()
      const answer = await client.createPermission(addressOf('127.0.0.2', 1))
      t.equal(answer.code, 0)
      t.same(answer.types, [ATTRIBUTE_MESSAGE_INTEGRITY])
      stranger.send(client.relay, 'from a stranger')
      peer.send(client.relay, 'one port')
      samePeer.send(client.relay, 'another port')
      t.match(await client.nextData(), { text: 'one port', peer: peer.address.toString() })
      t.match(await client.nextData(), { text: 'another port', peer: samePeer.address.toString() })
      await client.settle()
      t.same(client.inbox.items, [])
    })

    t.test('lets the client send to any port of the peer (RFC 8656 §9, §11.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const peer = await UdpPeer.open(t)
      t.equal((await client.createPermission(addressOf('127.0.0.1', 0))).code, 0)
      client.sendTo(peer.address, 'hello')
      t.match(await peer.inbox.next(), { text: 'hello', source: client.relay })
    })

    t.test('takes several peers (RFC 8656 §10.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const peers = [await UdpPeer.open(t, '127.0.0.2'), await UdpPeer.open(t, '127.0.0.3'), await UdpPeer.open(t)]
      t.equal((await client.createPermission(...peers.map(({ address }) => address))).code, 0)
      for (const peer of peers) {
        peer.send(client.relay, peer.address.toString())
        t.match(await client.nextData(), { text: peer.address.toString() })
      }
    })

    t.test('grants all peers or none (RFC 8656 §10.2)', async (t) => {
      const peer = await UdpPeer.open(t)
      const bad = withoutIPv6 === false ? [FORBIDDEN, addressOf('::1', 1)] : [FORBIDDEN]
      for (const other of bad) {
        for (const peers of [
          [peer.address, other],
          [other, peer.address],
        ]) {
          const client = await suite.allocate(t, server)
          t.equal((await client.createPermission(...peers)).code, other === FORBIDDEN ? 403 : 443)
          client.sendTo(peer.address, 'not permitted')
          peer.send(client.relay, 'not permitted')
          await client.settle()
          t.same(client.inbox.items, [])
          t.same(await peer.receivedSoFar(), [])
          t.equal((await client.refresh()).code, 0, 'the allocation goes on')
        }
      }
    })

    t.test('needs well-formed peers: 400 (RFC 8656 §10.2)', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.createPermission()).code, 400)
      const malformed = [
        '',
        '0001',
        '000100090a000001'.slice(0, 14),
        '0003000900000000',
        '000100090a00000100',
        '00020009'.padEnd(16, '0'),
      ]
      for (const hex of malformed) {
        const answer = await client.request(METHOD_CREATE_PERMISSION, (writer) => {
          writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, addressOf('127.0.0.1', 9))
          writer.writeBytes(ATTRIBUTE_XOR_PEER_ADDRESS, Buffer.from(hex, 'hex'))
        })
        t.equal(answer.code, 400, `'${hex}'`)
      }
    })
  })
}
