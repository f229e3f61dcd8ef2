// ICMP errors about relayed data (RFC 8656 §11.5): told to the client as Data indications, for peers with a permission and nobody else,
// and never harmful to other data.
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import { ATTRIBUTE_DONT_FRAGMENT } from '../../src/stun/constants.js'
import { withoutKoffi } from '../support/engines.js'
import { openIcmpForge } from '../support/forged-icmp.js'
import { peerOrSkip } from '../support/peers.js'
import type { Describe, TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { icmpReportOf, nextIcmpReport } from './icmp-indication.js'
import { LOOPBACKS, type Suite } from './suite.js'

const CHANNEL = 0x4000
const ROUTER = '127.0.0.9'
const whole: Describe = (writer) => writer.writeEmpty(ATTRIBUTE_DONT_FRAGMENT)
const PORT_UNREACHABLE = { '127.0.0.1': { type: 3, code: 3, data: 0 }, '::1': { type: 1, code: 4, data: 0 } } as const

export function icmp(t: Test, suite: Suite): void {
  const { reportsIcmp } = suite.transport

  t.test('ICMP errors', async (t) => {
    const server = await suite.sharedServer()

    for (const host of LOOPBACKS as (keyof typeof PORT_UNREACHABLE)[]) {
      const sentence = reportsIcmp
        ? `of a closed port of ${host} are told to the client (RFC 8656 §11.5)`
        : `of a closed port of ${host} reach no client of an engine that cannot see them (RFC 8656 §14)`
      t.test(sentence, async (t) => {
        const client = await suite.allocate(t, server, { family: host === '::1' ? 6 : 4 })
        const closed = await closedPeer(t, host)
        t.equal((await client.createPermission(closed.address)).code, 0)
        const expected = { ...PORT_UNREACHABLE[host], peer: closed.address.toString() }
        client.sendTo(closed.address, 'by Send')
        if (reportsIcmp) t.same(await nextIcmpReport(client), expected)
        t.equal((await client.bindChannel(CHANNEL, closed.address)).code, 0)
        client.sendChannelData(CHANNEL, 'by channel')
        if (reportsIcmp) t.same(await nextIcmpReport(client), expected)
        await expectSilence(t, client)
      })
    }

    t.test('lose nothing of what goes to other peers meanwhile', async (t) => {
      const client = await suite.allocate(t, server)
      const [closed, open] = [await closedPeer(t), await UdpPeer.open(t)]
      t.equal((await client.createPermission(open.address)).code, 0)
      for (let round = 0; round < 200; round++) {
        client.sendTo(closed.address, 'returned')
        client.sendTo(open.address, `${round}`)
        if (round % 20 === 19) {
          for (let index = round - 19; index <= round; index++) {
            const { text } = await open.inbox.next()
            if (text !== `${index}`) t.fail(`${text} in place of ${index}`)
            open.send(client.relay, text)
          }
        }
      }
      await client.settle()
      let echoCount = 0
      for (const frame of client.inbox.takeAll()) if (!isIcmpReport(frame)) echoCount++
      while (echoCount < 200) if (!isIcmpReport(await client.inbox.next())) echoCount++
      t.same(await open.receivedSoFar(), [])
      t.equal((await client.refresh()).code, 0)
    })

    const skip =
      (!reportsIcmp && 'this engine cannot see ICMP') || withoutKoffi() || peerOrSkip('network namespaces') || false
    t.test('of a router', { skip }, async (t) => forged(t, suite, server))
  })
}

function forged(t: Test, suite: Suite, server: TurnServer): void {
  const errors: readonly [type: number, code: number, sentence: string, isReported: boolean][] = [
    [3, 1, 'host unreachable', true],
    [3, 13, 'prohibited by administration', true],
    [11, 0, 'time exceeded', true],
    [12, 0, 'a parameter problem is not of the types that the RFC names', false],
  ]
  for (const [type, code, sentence, isReported] of errors) {
    t.test(`${type}, ${code}: ${sentence} (RFC 8656 §11.5)`, async (t) => {
      const forge = openIcmpForge(t, ROUTER)
      const client = await suite.allocate(t, server)
      const peer = addressOf('127.0.0.5', 5000)
      t.equal((await client.createPermission(peer)).code, 0)
      // The second word is not an MTU, and must not be told as one.
      forge({ type, code, data: 0x12345678, source: client.relay, destination: peer })
      if (isReported) t.same(await nextIcmpReport(client), { peer: peer.toString(), type, code, data: 0 })
      await expectSilence(t, client)
    })
  }

  t.test('3, 4: an answer to DONT-FRAGMENT that comes when other data has followed (RFC 8656 §11.5)', async (t) => {
    const forge = openIcmpForge(t, ROUTER)
    const client = await suite.allocate(t, server)
    // An address that no other test uses: the machine keeps the MTU of the path to it.
    const peer = addressOf('127.77.0.1', 5000)
    t.equal((await client.createPermission(peer)).code, 0)
    for (const describe of [whole, () => {}]) {
      client.sendTo(peer, 'to a port that nobody has', describe)
      t.match(await nextIcmpReport(client), { type: 3, code: 3 })
    }
    forge({ type: 3, code: 4, data: 1400, source: client.relay, destination: peer })
    t.same(await nextIcmpReport(client), { peer: peer.toString(), type: 3, code: 4, data: 1400 })
    await expectSilence(t, client)
  })

  t.test('about a peer without a permission are kept from the client (RFC 8656 §11.5)', async (t) => {
    const forge = openIcmpForge(t, ROUTER)
    const client = await suite.allocate(t, server)
    const [permitted, stranger] = [addressOf('127.0.0.5', 5000), addressOf('127.0.0.6', 5000)]
    // The router that says so needs none, and has one here: it is the destination of what it returns that counts.
    t.equal((await client.createPermission(permitted, addressOf(ROUTER, 0))).code, 0)
    const host = { type: 3, code: 1, source: client.relay }
    for (let count = 0; count < 3; count++) forge({ ...host, destination: stranger })
    forge({ ...host, destination: permitted })
    t.match(await nextIcmpReport(client), { peer: permitted.toString() }, 'the first that comes is of the other')
    await expectSilence(t, client)
  })

  t.test('of a relay that was never used for it, and of other sockets, do no harm', async (t) => {
    const forge = openIcmpForge(t, ROUTER)
    const [client, other] = [await suite.allocate(t, server), await suite.allocate(t, server)]
    const [{ host, port }] = server.address()
    for (const source of [addressOf(host, port), other.relay]) {
      // Not fragmentation needed (4): the machine would believe that its loopback is narrow, for every test.
      for (const code of [0, 1, 2, 3, 5, 13, 15]) forge({ type: 3, code, source, destination: client.localAddress })
    }
    t.equal((await client.refresh()).code, 0)
    t.equal((await other.refresh()).code, 0)
    await expectSilence(t, other)
  })
}

async function closedPeer(t: Test, host = '127.0.0.1'): Promise<UdpPeer> {
  const peer = await UdpPeer.open(t, host)
  await peer.close()
  return peer
}

function isIcmpReport(frame: Buffer): boolean {
  try {
    icmpReportOf(frame)
    return true
  } catch {
    return false
  }
}

async function expectSilence(t: Test, client: TurnClient): Promise<void> {
  await client.settle()
  t.same(client.inbox.items, [], 'and nothing else')
}
