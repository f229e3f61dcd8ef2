// DONT-FRAGMENT (RFC 8656 §11.2, §14): the DF bit of what leaves, and what becomes of datagrams that are too long for the path. What an
// engine without it answers is in allocate.ts and data.ts.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { ATTRIBUTE_DONT_FRAGMENT } from '../../src/stun/constants.js'
import { inNamespace, withoutCables } from '../support/namespace.js'
import { tapPackets } from '../support/packet-tap.js'
import { peerOrSkip } from '../support/peers.js'
import type { Describe, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { nextIcmpReport } from './icmp-indication.js'
import { createNarrowPath, NARROW_MTU, PEER_HOSTS, SERVER_HOSTS } from './narrow-path.js'
import type { Suite } from './suite.js'

const CHANNEL = 0x4000
/** With its headers longer than the narrow part of the path, and as long as it at most. */
const TOO_LONG = 1400
const FITTING = { 4: NARROW_MTU - 28, 6: NARROW_MTU - 48 } as const
/** The router's answers: fragmentation needed (RFC 792, RFC 1191), packet too big (RFC 4443). */
const TOO_BIG = { 4: { type: 3, code: 4, data: NARROW_MTU }, 6: { type: 2, code: 0, data: NARROW_MTU } } as const

const whole: Describe = (writer) => writer.writeEmpty(ATTRIBUTE_DONT_FRAGMENT)

export function dontFragment(t: Test, suite: Suite): void {
  const withoutSupport = !suite.transport.supportsDontFragment && 'this engine cannot set the DF bit'

  t.test('DONT-FRAGMENT', { skip: withoutSupport }, async (t) => {
    const needsRoot = { skip: peerOrSkip('network namespaces') }
    t.test('sets DF in what it is said of, and in nothing else (RFC 8656 §11.2, §14)', needsRoot, async (t) => {
      const server = await suite.sharedServer()
      const client = await suite.connect(t, server)
      t.equal((await client.allocate({ dontFragment: true })).code, 0)
      const peer = await UdpPeer.open(t)
      t.equal((await client.createPermission(peer.address)).code, 0)
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      const tap = tapPackets(t, peer.address.port)
      const ways: readonly [text: string, send: (text: string) => void, dontFragment: boolean][] = [
        ['Send', (text) => client.sendTo(peer.address, text), false],
        ['Send with DONT-FRAGMENT', (text) => client.sendTo(peer.address, text, whole), true],
        ['ChannelData', (text) => client.sendChannelData(CHANNEL, text), false],
      ]
      for (const [text, send] of ways) send(text)
      for (const [text, , dontFragment] of ways) t.match(await tap.next(), { text, dontFragment })
      // Of equal length and at once, so that an engine that sends in groups has every reason to.
      for (let round = 0; round < 50; round++) client.sendTo(peer.address, 'equal', round % 2 === 0 ? () => {} : whole)
      const bits: boolean[] = []
      for (let round = 0; round < 50; round++) bits.push((await tap.next()).dontFragment)
      t.same(
        bits,
        Array.from({ length: 50 }, (_, round) => round % 2 === 1),
      )
    })

    t.test('on a path with a narrow middle', { skip: withoutCables() }, async (t) => {
      const path = createNarrowPath(t)
      const server = await inNamespace(path.server, () =>
        suite.startServer(t, { relayIp: Object.values(SERVER_HOSTS), allowPeer: ['10.77.0.0/16', '2001:db8:77::/48'] }),
      )
      for (const family of [4, 6] as const) {
        t.test(`of IPv${family}`, async (t) => {
          const client = await inNamespace(path.server, () => suite.allocate(t, server, { family }))
          const peer = await inNamespace(path.peer, () => UdpPeer.open(t, PEER_HOSTS[family]))
          t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
          await staysWhole(t, client, peer, family)
          await isCutWithoutIt(t, client, peer)
        })
      }
    })
  })
}

async function staysWhole(t: Test, client: TurnClient, peer: UdpPeer, family: 4 | 6): Promise<void> {
  client.sendTo(peer.address, randomBytes(TOO_LONG), whole)
  const report = { ...TOO_BIG[family], peer: peer.address.toString() }
  t.same(await nextIcmpReport(client), report, 'what does not fit is returned with the MTU')
  const payload = randomBytes(FITTING[family])
  client.sendTo(peer.address, payload, whole)
  const { bytes } = await peer.inbox.next()
  t.ok(bytes.equals(payload), 'what just fits arrives, as the first thing')
  // The operating system knows the path by now and may refuse by itself.
  for (let count = 0; count < 10; count++) client.sendTo(peer.address, randomBytes(TOO_LONG), whole)
  await client.settle()
  client.sendTo(peer.address, 'small', whole)
  t.match(await peer.inbox.next(), { text: 'small' }, 'nothing arrives of what is too long')
}

async function isCutWithoutIt(t: Test, client: TurnClient, peer: UdpPeer): Promise<void> {
  const payload = () => randomBytes(TOO_LONG)
  const [sent, bound] = [payload(), payload()]
  client.sendTo(peer.address, sent)
  client.sendChannelData(CHANNEL, bound)
  t.ok((await peer.inbox.next()).bytes.equals(sent), 'Send without it arrives in fragments')
  t.ok((await peer.inbox.next()).bytes.equals(bound), 'ChannelData too')
  const burst = Array.from({ length: 20 }, payload)
  for (const bytes of burst) client.sendChannelData(CHANNEL, bytes)
  for (const [index, bytes] of burst.entries()) {
    if (!(await peer.inbox.next()).bytes.equals(bytes)) t.fail(`packet ${index} of a burst is not what was sent`)
  }
  // The errors of what was too long may still come; data is what has no ICMP.
  await client.settle()
  client.inbox.takeAll()
  peer.send(client.relay, sent)
  t.ok((await client.nextData()).text === sent.toString('latin1'), 'and back')
}
