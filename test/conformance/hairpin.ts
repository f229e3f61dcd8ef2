// Two clients of one server reach each other relay to relay, with the default deny rules, also behind static NAT (--external-ip):
// nothing outside the server is needed for it, and nothing else is opened by it.
import type { Test } from 'tap'
import type { TransportAddress } from '../../src/stun/address.js'
import type { TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { LOOPBACKS, type Suite, serverAddress } from './suite.js'

const PUBLIC = '203.0.113.7'
const CHANNEL = 0x4000

export function hairpin(t: Test, suite: Suite): void {
  t.test('hairpin with the default deny rules', async (t) => {
    const server = await suite.startServer(t, { hasAllWorkers: true, allowPeer: [] })

    for (const host of LOOPBACKS) {
      t.test(`relays at ${host} reach each other, by indications and by channels`, async (t) => {
        const family = host === '::1' ? 6 : 4
        const [one, two] = [
          await suite.allocate(t, server, { family }),
          await suite.allocate(t, server, { family }, { username: 'bob', password: 'battery staple' }),
        ]
        await exchangeBothWays(t, one, two)
      })
    }

    t.test('needs a permission of the receiving side too (RFC 8656 §9)', async (t) => {
      const [one, two] = [await suite.allocate(t, server), await suite.allocate(t, server)]
      t.equal((await one.createPermission(two.relay)).code, 0)
      one.sendTo(two.relay, 'not permitted')
      await one.settle()
      await two.settle()
      t.same(two.inbox.items, [])
    })

    t.test('reaches live relays and nothing else of the address', async (t) => {
      const canary = await UdpPeer.open(t)
      const [one, two] = [await suite.allocate(t, server), await suite.allocate(t, server)]
      t.equal((await one.bindChannel(CHANNEL, two.relay)).code, 0)
      t.equal((await one.bindChannel(CHANNEL + 1, canary.address)).code, 403)
      t.equal((await one.bindChannel(CHANNEL + 1, serverAddress(server))).code, 403)
      t.equal((await one.bindChannel(CHANNEL + 1, one.relay)).code, 403, 'nor one’s own')
      one.sendTo(canary.address, 'to a canary')
      canary.send(one.relay, 'from a canary')
      await one.settle()
      t.same(one.inbox.items, [])
      t.same(await canary.receivedSoFar(), [])
    })

    t.test('ends with the relay: who takes its port gets nothing', async (t) => {
      const [one, two] = [await suite.allocate(t, server), await suite.allocate(t, server)]
      t.equal((await one.bindChannel(CHANNEL, two.relay)).code, 0)
      t.equal((await two.bindChannel(CHANNEL, one.relay)).code, 0)
      one.sendChannelData(CHANNEL, 'hello')
      t.match(await two.nextData(), { text: 'hello' })
      await two.refresh({ lifetimeSeconds: 0 })
      const heir = await UdpPeer.open(t, '127.0.0.1', two.relay.port)
      one.sendChannelData(CHANNEL, 'to the heir')
      one.sendTo(two.relay, 'to the heir')
      heir.send(one.relay, 'from the heir')
      await one.settle()
      t.same(await heir.receivedSoFar(), [])
      t.same(one.inbox.items, [])
    })
  })

  t.test(`hairpin behind --external-ip ${PUBLIC}/127.0.0.1`, async (t) => {
    const options = { relayIp: '127.0.0.1', externalIp: `${PUBLIC}/127.0.0.1` }
    const server = await suite.startServer(t, { ...options, allowPeer: [] })

    t.test('clients are told the public address', async (t) => {
      const client = await suite.allocate(t, server)
      t.match(client.relayed.join(), /^203\.0\.113\.7:\d+$/)
      const { port } = serverAddress(server)
      const isPublic = (uri: string) => uri.includes(`:${PUBLIC}:${port}?`)
      t.ok(server.uris().some(isPublic), server.uris().join())
      await t.rejects(
        UdpPeer.open(t, '127.0.0.1', client.relay.port),
        { code: 'EADDRINUSE' },
        'the private one is bound',
      )
    })

    t.test('two clients reach each other by public addresses that nothing routes, both ways', async (t) => {
      await exchangeBothWays(t, await suite.allocate(t, server), await suite.allocate(t, server))
    })

    t.test('other ports of the public address stay forbidden', async (t) => {
      const [one] = [await suite.allocate(t, server), await suite.allocate(t, server)]
      const { minPort, maxPort } = server.settings
      const unused = Array.from({ length: maxPort - minPort + 1 }, (_, index) => minPort + index).find(
        (port) => port !== one.relay.port,
      )
      for (const port of [9, serverAddress(server).port, one.relay.port, 65535]) {
        t.equal((await one.bindChannel(CHANNEL, addressOf(PUBLIC, port))).code, 403, `${port}`)
      }
      t.type(unused, 'number')
      t.equal((await one.bindChannel(CHANNEL, addressOf('203.0.113.8', one.relay.port + 1))).code, 403)
    })

    t.test('the relay of a client that left is forbidden again', async (t) => {
      const [one, two] = [await suite.allocate(t, server), await suite.allocate(t, server)]
      const gone = two.relay
      await two.refresh({ lifetimeSeconds: 0 })
      t.equal((await one.bindChannel(CHANNEL, gone)).code, 403)
    })

    t.test('a peer that is no client sees the private address', async (t) => {
      const open = await suite.startServer(t, options)
      const client = await suite.allocate(t, open)
      const peer = await UdpPeer.open(t)
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      client.sendChannelData(CHANNEL, 'hello')
      const { source, text } = await peer.inbox.next()
      t.equal(text, 'hello')
      t.equal(source.toString(), `127.0.0.1:${client.relay.port}`)
      peer.send(source, 'hello back')
      t.match(await client.nextData(), { text: 'hello back', channelNumber: CHANNEL })
    })
  })
}

/** Permissions and Send indications first, then channels; each side names the other by its relayed transport address. */
async function exchangeBothWays(t: Test, one: TurnClient, two: TurnClient): Promise<void> {
  const sides: [from: TurnClient, to: TurnClient][] = [
    [one, two],
    [two, one],
  ]
  for (const [from, to] of sides) t.equal((await from.createPermission(to.relay)).code, 0)
  for (const [from, to] of sides) {
    from.sendTo(to.relay, 'by indication')
    t.match(await to.nextData(), { text: 'by indication', peer: from.relay.toString() })
  }
  for (const [from, to] of sides) t.equal((await from.bindChannel(CHANNEL, to.relay)).code, 0)
  for (const [from, to] of sides) {
    for (let index = 0; index < 50; index++) from.sendChannelData(CHANNEL, `${index}`)
    for (let index = 0; index < 50; index++) t.match(await to.nextData(), { text: `${index}`, channelNumber: CHANNEL })
  }
  await one.settle()
  await two.settle()
  const rest: readonly (Buffer | TransportAddress)[] = [...one.inbox.items, ...two.inbox.items]
  t.same(rest, [])
}
