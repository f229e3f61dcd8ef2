// The dgram engine with a core that only takes notes. Used by the engine's tests.
import type { Test } from 'tap'
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { COUNTER_NAMES } from '../../src/net/counters.js'
import { DgramEngine } from '../../src/net/dgram/dgram-engine.js'
import type { TransportAddress } from '../../src/stun/address.js'
import type { TurnCore } from '../../src/turn/core.js'
import { FiveTuple, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { Inbox } from '../support/inbox.js'
import { addressOf, type UdpPeer } from '../support/udp-peer.js'

type Note = readonly unknown[]

/** What the engine told the core, in order. Ticks are kept apart. */
export class NotingCore {
  readonly notes = new Inbox<Note>('the core')
  readonly ticks = new Inbox<number>('the core’s clock')

  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    const text = Buffer.from(bytes).toString('latin1', start, end)
    this.notes.put(['frame', client.listenerId, client.transport, client.client.toString(), client.client.host, text])
  }

  handlePeerDatagram(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): void {
    const text = Buffer.from(bytes).toString('latin1', start, end)
    this.notes.put(['datagram', relayId, peer.toString(), peer.host, text])
  }

  handleRelayOpened(relayId: number): void {
    this.notes.put(['opened', relayId])
  }

  handleRelayFailed(relayId: number, inUse: boolean): void {
    this.notes.put(['failed', relayId, inUse])
  }

  tick(now: number): void {
    this.ticks.put(now)
  }
}

export async function startNoting(t: Test, ...listen: string[]): Promise<{ engine: DgramEngine; core: NotingCore }> {
  const engine = new DgramEngine()
  const core = new NotingCore()
  await engine.openListeners(listen.map(parseListenSpec))
  engine.start(core as unknown as TurnCore)
  t.teardown(() => engine.stop())
  return { engine, core }
}

/** By name. */
export function countersOf(engine: DgramEngine): Record<string, number> {
  return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, engine.counters[index]]))
}

/** With `host` set, as the core hands addresses out. */
export function named(host: string, port: number): TransportAddress {
  const address = addressOf(host, port)
  address.host = host
  return address
}

export function clientOf(peer: UdpPeer, listenerId = 0): FiveTuple {
  const client = new FiveTuple()
  client.transport = TRANSPORT_UDP
  client.listenerId = listenerId
  client.client.copyFrom(named(peer.address.family === 6 ? '::1' : '127.0.0.1', peer.address.port))
  return client
}
