// Listeners on a wildcard: an answer leaves from the address that was asked (RFC 8489 §6.3.1.1 sends it where the request came from; a NAT
// or a connected client lets nothing else through), and the server's address is part of the 5-tuple (RFC 8656 §2.2).
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import type { ClientTransport } from '../support/client-transport.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { ALICE, LOOPBACKS, type Suite } from './suite.js'

const WILDCARDS = { 4: '0.0.0.0', 6: '[::]' } as const
const CHANNEL = 0x4000

export function wildcard(t: Test, suite: Suite): void {
  const { answersFromAnyAddress, isStream } = suite.transport
  const skip = isStream && 'a connection has one address by itself'

  t.test('a wildcard listener', { skip }, async (t) => {
    for (const family of LOOPBACKS.length > 1 ? ([4, 6] as const) : ([4] as const)) {
      const server = await startWildcard(t, suite, family)
      const hosts = hostsToAsk(server, family, answersFromAnyAddress)
      const { port } = server.address()[0]

      t.test(`of IPv${family} answers from the address that was asked: ${hosts.join(', ')}`, async (t) => {
        for (const host of hosts) {
          // Connected to the address: the kernel lets nothing through that comes from another one.
          const client = TurnClient.on(t, await suite.transport.connect(host, port), ALICE)
          t.equal((await client.allocate()).code, 0)
          const peer = await UdpPeer.open(t)
          t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
          client.sendChannelData(CHANNEL, `asked ${host}`)
          t.match(await peer.inbox.next(), { text: `asked ${host}`, source: client.relay })
          for (let count = 0; count < 10; count++) peer.send(client.relay, `back to ${host}, ${count}`)
          for (let count = 0; count < 10; count++)
            t.match(await client.nextData(), { text: `back to ${host}, ${count}` })
        }
      })

      const isPlain = suite.transport.isPlainUdp
      const twoHosts = {
        skip: (hosts.length < 2 && 'this machine has one such address') || (!isPlain && 'a session has one address'),
      }
      t.test(`of IPv${family} tells one client at two of its addresses apart (RFC 8656 §2.2)`, twoHosts, async (t) => {
        const [one, two] = (await connectFromOnePort(t, hosts.slice(0, 2), port)).map((transport) => {
          return TurnClient.on(t, transport, ALICE)
        })
        t.equal(`${one.localAddress.port}`, `${two.localAddress.port}`)
        t.equal((await one.allocate()).code, 0)
        t.equal((await two.refresh()).code, 437, 'the other 5-tuple has no allocation')
        t.equal((await two.allocate()).code, 0)
        t.not(one.relay.port, two.relay.port)
        const peer = await UdpPeer.open(t)
        for (const [client, channel] of [
          [one, CHANNEL],
          [two, CHANNEL + 1],
        ] as const) {
          t.equal((await client.bindChannel(channel, peer.address)).code, 0)
        }
        for (let round = 0; round < 20; round++) {
          peer.send(one.relay, `one ${round}`)
          peer.send(two.relay, `two ${round}`)
        }
        for (let round = 0; round < 20; round++) {
          t.match(await one.nextData(), { text: `one ${round}`, channelNumber: CHANNEL })
          t.match(await two.nextData(), { text: `two ${round}`, channelNumber: CHANNEL + 1 })
        }
        one.sendChannelData(CHANNEL + 1, 'a channel of the other')
        await one.settle()
        t.same(await peer.receivedSoFar(), [])
        t.equal((await one.refresh({ lifetimeSeconds: 0 })).code, 0)
        t.equal((await two.refresh()).code, 0, 'which goes on')
      })

      t.test(`of IPv${family} is no peer, at whatever address (security.md)`, async (t) => {
        const client = TurnClient.on(t, await suite.transport.connect(hosts[0], port), ALICE)
        t.equal((await client.allocate({ family })).code, 0)
        for (const host of hosts) t.equal((await client.bindChannel(CHANNEL, addressOf(host, port))).code, 403, host)
      })
    }
  })
}

/** On one port, which a socket had a moment ago. */
async function startWildcard(t: Test, suite: Suite, family: 4 | 6): Promise<TurnServer> {
  const probe = await UdpPeer.open(t, family === 4 ? '127.0.0.1' : '::1')
  await probe.close()
  // Every address of the machine may be a peer, so that only what the server is itself is forbidden.
  return suite.startServer(t, {
    listen: `${suite.transport.scheme}:${WILDCARDS[family]}:${probe.address.port}`,
    allowPeer: ['0.0.0.0/0', '::/0'],
  })
}

function hostsToAsk(server: TurnServer, family: 4 | 6, answersFromAnyAddress: boolean): string[] {
  const named = server.address().map(({ host }) => host)
  // Link-local addresses need a zone.
  const listed = named.filter((host) => host.includes(':') === (family === 6) && !host.startsWith('fe80:'))
  return family === 4 && answersFromAnyAddress
    ? [...new Set(['127.0.0.1', '127.0.0.2', '127.9.8.7', ...listed])]
    : listed
}

/** Clients of one socket, one for each of the server's addresses; each hears what comes from its own address alone. */
async function connectFromOnePort(t: Test, hosts: readonly string[], port: number): Promise<ClientTransport[]> {
  const isIPv4 = !hosts[0].includes(':')
  const socket = createSocket(isIPv4 ? 'udp4' : 'udp6')
  t.teardown(() => new Promise<void>((resolve) => socket.close(resolve)))
  socket.bind(0, isIPv4 ? '0.0.0.0' : '::')
  await once(socket, 'listening')
  const receivers = new Map<string, (frame: Buffer) => void>()
  socket.on('message', (bytes, source) => receivers.get(addressOf(source.address, source.port).toString())?.(bytes))
  return hosts.map((host) => ({
    localAddress: addressOf(isIPv4 ? '127.0.0.1' : '::1', socket.address().port),
    send: (frame) => socket.send(frame, port, host),
    receive: (onFrame) => void receivers.set(addressOf(host, port).toString(), onFrame),
    close: async () => {},
  }))
}
