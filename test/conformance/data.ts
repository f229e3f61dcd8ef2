// Send and Data indications (RFC 8656 §11): what arrives is what was sent, from the relayed transport address, and what may not be sent
// is silent. Nothing here needs authentication: the 5-tuple and the permission decide.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  METHOD_SEND,
} from '../../src/stun/constants.js'
import { ReceivedMessage } from '../support/received-message.js'
import type { Describe, TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { LOOPBACKS, type Suite } from './suite.js'

export function data(t: Test, suite: Suite): void {
  t.test('Send and Data indications', async (t) => {
    const server = await suite.sharedServer()

    for (const host of LOOPBACKS) {
      t.test(`carry any payload unchanged, both ways, with ${host} (RFC 8656 §11)`, async (t) => {
        const client = await suite.allocate(t, server, { family: host === '::1' ? 6 : 4 })
        const peer = await UdpPeer.open(t, host)
        t.equal((await client.createPermission(peer.address)).code, 0)
        for (const length of suite.payloadLengths()) {
          const payload = randomBytes(length)
          client.sendTo(peer.address, payload)
          const datagram = await peer.inbox.next()
          t.ok(datagram.bytes.equals(payload), `${length} bytes to the peer`)
          t.equal(datagram.source.toString(), client.relay.toString())
          peer.send(client.relay, payload)
          const back = await client.nextData()
          t.ok(back.text === payload.toString('latin1'), `${length} bytes back`)
          t.equal(back.peer, peer.address.toString())
        }
      })
    }

    t.test(
      'a Data indication has the peer, the data, and zeros as padding; no integrity (RFC 8656 §11.4)',
      async (t) => {
        const { client, peer } = await permitted(t)
        peer.send(client.relay, 'hello')
        const { frame } = await client.nextData()
        const message = new ReceivedMessage(frame)
        t.equal(message.messageClass, CLASS_INDICATION)
        t.same(message.types, [ATTRIBUTE_XOR_PEER_ADDRESS, ATTRIBUTE_DATA])
        t.equal(frame.toString('latin1', frame.length - 8), 'hello\0\0\0')
        peer.send(client.relay, 'hello')
        const next = new ReceivedMessage((await client.nextData()).frame)
        t.not(next.transactionId, message.transactionId)
      },
    )

    t.test(
      'Send takes DATA and the peer in any order, and attributes that it may ignore (RFC 8656 §11.2)',
      async (t) => {
        const { client, peer } = await permitted(t)
        client.sendIndication(METHOD_SEND, (writer) => {
          writer.writeText(ATTRIBUTE_DATA, 'backwards')
          writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer.address)
          writer.writeText(ATTRIBUTE_SOFTWARE, 'a client')
        })
        t.match(await peer.inbox.next(), { text: 'backwards' })
      },
    )

    t.test('Send of the first of duplicated attributes (RFC 8489 §14)', async (t) => {
      const { client, peer } = await permitted(t)
      client.sendTo(peer.address, 'first', (writer) => {
        writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, addressOf('127.0.0.1', 9))
        writer.writeText(ATTRIBUTE_DATA, 'second')
      })
      t.match(await peer.inbox.next(), { text: 'first' })
    })

    t.test('Send without DATA or peer, or with a malformed peer, is silent (RFC 8656 §11.2)', async (t) => {
      const { client, peer } = await permitted(t)
      const incomplete: Describe[] = [
        () => {},
        (writer) => writer.writeText(ATTRIBUTE_DATA, 'no peer'),
        (writer) => writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer.address),
        (writer) => {
          writer.writeBytes(ATTRIBUTE_XOR_PEER_ADDRESS, Buffer.from('0003000900000000', 'hex'))
          writer.writeText(ATTRIBUTE_DATA, 'unknown family')
        },
      ]
      for (const describe of incomplete) client.sendIndication(METHOD_SEND, describe)
      await expectNothing(t, client, peer)
    })

    t.test('Send with an unknown required attribute is silent (RFC 8489 §6.3.2)', async (t) => {
      const { client, peer } = await permitted(t)
      client.sendTo(peer.address, 'nowhere', (writer) => writer.writeEmpty(0x7f01))
      await expectNothing(t, client, peer)
    })

    t.test('Send with DONT-FRAGMENT is dropped by an engine that cannot set DF (RFC 8656 §11.2, §14)', async (t) => {
      const { client, peer } = await permitted(t)
      client.sendTo(peer.address, 'whole', (writer) => writer.writeEmpty(ATTRIBUTE_DONT_FRAGMENT))
      if (suite.transport.supportsDontFragment) t.match(await peer.inbox.next(), { text: 'whole' })
      else await expectNothing(t, client, peer)
    })

    t.test('Send installs no permission, and goes nowhere without one (RFC 8656 §11.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const peer = await UdpPeer.open(t)
      client.sendTo(peer.address, 'not permitted')
      await client.settle()
      peer.send(client.relay, 'not permitted')
      await expectNothing(t, client, peer)
    })

    t.test('Send to port 0 goes nowhere', async (t) => {
      const { client, peer } = await permitted(t)
      client.sendTo(addressOf('127.0.0.1', 0), 'nowhere')
      await expectNothing(t, client, peer)
    })

    t.test('to a closed port, 5,000 times, cost nobody anything', async (t) => {
      const { client, peer } = await permitted(t)
      const closed = await UdpPeer.open(t)
      await closed.close()
      for (let round = 0; round < 50; round++) {
        for (let index = 0; index < 100; index++) client.sendTo(closed.address, 'refused by ICMP')
        await client.settle()
      }
      client.sendTo(peer.address, 'still there')
      t.match(await peer.inbox.next(), { text: 'still there' })
      t.equal((await client.refresh()).code, 0)
    })

    t.test('of many peers keep their order, and mix up nobody', async (t) => {
      const client = await suite.allocate(t, server)
      const peers = await Promise.all([1, 2, 3, 4, 5].map(() => UdpPeer.open(t)))
      t.equal((await client.createPermission(peers[0].address)).code, 0)
      for (let round = 0; round < 20; round++) {
        for (const peer of peers) peer.send(client.relay, `${round}`)
        for (const peer of peers) client.sendTo(peer.address, `${round} of ${peer.address}`)
      }
      const received = new Map(peers.map(({ address }) => [address.toString(), 0]))
      for (let count = 0; count < 100; count++) {
        const { peer, text } = await client.nextData()
        if (Number(text) !== received.get(peer)) t.fail(`${text} of ${peer} is out of order`)
        received.set(peer, Number(text) + 1)
      }
      for (const peer of peers) {
        for (let round = 0; round < 20; round++) {
          const { text } = await peer.inbox.next()
          if (text !== `${round} of ${peer.address}`) t.fail(`${text} arrived at ${peer.address}`)
        }
      }
    })

    async function permitted(t: Test): Promise<{ client: TurnClient; peer: UdpPeer }> {
      const client = await suite.allocate(t, server)
      const peer = await UdpPeer.open(t)
      t.equal((await client.createPermission(peer.address)).code, 0)
      return { client, peer }
    }
  })
}

async function expectNothing(t: Test, client: TurnClient, peer: UdpPeer): Promise<void> {
  await client.settle()
  t.same(client.inbox.items, [], 'nothing came back')
  t.same(await peer.receivedSoFar(), [], 'nothing arrived')
}
