// UDP clients that live through the crash of their server, and their peers. Before: an allocation, a permission and a channel each. Afterwards each is told
// by its next request that the allocation is gone, and makes another one: half of them on the same 5-tuple with the nonce they have, half on a new one.
// Peers go on sending to where the relays were.
import { LOOPBACK_WORD } from '../../bench/generator/endpoint.js'
import type { Kernel } from '../../bench/generator/kernel.js'
import { TransportAddress } from '../../src/stun/address.js'
import { BELATED, CHANNEL, type CrashLedger, crashPayload, ECHO, MEDIA, STALE } from './crash-ledger.js'
import { Crowd } from './crowd.js'
import { channelData, type Dialogue, mustSucceed, SoakClient } from './dialogue.js'

/** 127.64.0.0: the clients' first 5-tuples, 127.68.0.0: those after the crash; 127.72.0.0: peers, 127.76.0.1: the peer that some share. */
const CLIENT_HOST = (127 << 24) | (64 << 16)
const NEW_CLIENT_HOST = (127 << 24) | (68 << 16)
const PEER_HOST = (127 << 24) | (72 << 16)
const SHARED_PEER_HOST = ((127 << 24) | (76 << 16)) + 1
/** One client in so many shares its peer's address, tries every method with its old 5-tuple, or sends media. */
const SHARED_EVERY = 8
const THOROUGH_EVERY = 16
const MEDIA_EVERY = 4
/** A second, of each kind: from clients, from peers to them, and from peers to the old relays. */
const MEDIA_PER_SECOND = 1000
const BELATED_PER_SECOND = 3000
const MEDIA_BURST_MAX = 200

export type OldRequest = 'Refresh' | 'CreatePermission' | 'ChannelBind'

export class CrashClients {
  /** Answers to requests on old 5-tuples, by what they were: `437` and how often. */
  readonly answers: Record<OldRequest, Record<string, number>> = { Refresh: {}, CreatePermission: {}, ChannelBind: {} }
  /** Milliseconds (performance.now) at which each was back. */
  readonly backAt: number[] = []
  belatedSent = 0
  mediaSent = 0
  readonly clients: Crowd
  readonly #peers: Crowd
  readonly #ledger: CrashLedger
  readonly #clients: SoakClient[]
  #serverPort = 0
  /** By client; empty before the crash. */
  #oldRelayPorts: number[] = []
  #turn = 0
  #belatedTurn = 0
  #mediaAt = performance.now()

  constructor(kernel: Kernel, ledger: CrashLedger, count: number) {
    this.clients = new Crowd(kernel)
    this.#peers = new Crowd(kernel)
    this.#ledger = ledger
    this.#clients = Array.from({ length: count }, (_, client) => new SoakClient(CLIENT_HOST + client))
  }

  set serverPort(port: number) {
    this.#serverPort = port
  }

  get count(): number {
    return this.#clients.length
  }

  /** Of a client of any transport. */
  peerOf(client: number): TransportAddress {
    const host = sharesPeer(client) ? SHARED_PEER_HOST : PEER_HOST + client
    return new TransportAddress().setIPv4(host, this.#peers.port)
  }

  relayPorts(): number[] {
    return this.#clients.map(({ relayed }) => relayed[0].port)
  }

  *open(client: number): Dialogue {
    yield* this.#begin(client, 0)
  }

  /** From now on the relays of now are old ones; clients of other transports have had these. */
  crash(otherRelayPorts: readonly number[]): void {
    this.#oldRelayPorts = [...this.relayPorts(), ...otherRelayPorts]
  }

  /** What a client does when it has noticed. */
  *comeBack(client: number): Dialogue {
    const old = this.#clients[client]
    old.challengeCount = 0
    this.#note('Refresh', old, yield* old.refresh(600))
    if (client % THOROUGH_EVERY < 2) {
      this.#note('CreatePermission', old, yield* old.createPermission(this.peerOf(client)))
      this.#note('ChannelBind', old, yield* old.bindChannel(CHANNEL, this.peerOf(client)))
    }
    this.clients.send(old.host, LOOPBACK_WORD, this.#serverPort, channelData(CHANNEL, crashPayload(client, STALE, 0)))
    // Pairs of neighbours share a parity of everything else: both kinds of clients are in every group.
    if ((client >> 1) % 2 === 0) this.#clients[client] = new SoakClient(NEW_CLIENT_HOST + client)
    yield* this.#begin(client, 1)
    this.backAt.push(performance.now())
  }

  /** A frame of the server that is no awaited answer. */
  takeAtClient(host: number, bytes: Uint8Array): void {
    const client = host >= NEW_CLIENT_HOST ? host - NEW_CLIENT_HOST : host - CLIENT_HOST
    this.#ledger.takeAtClient(client, bytes)
  }

  /** Sends what is due, and returns what peers have to return. Returns how much there was. */
  exchange(): number {
    const count = this.#peers.receive((host, sourceHost, sourcePort, bytes) => {
      const client = host === SHARED_PEER_HOST ? -1 : host - PEER_HOST
      if (this.#ledger.takeAtPeer(client, bytes)) this.#peers.send(host, sourceHost, sourcePort, bytes)
    })
    const now = performance.now()
    const seconds = (now - this.#mediaAt) / 1000
    const due = Math.min(Math.floor(seconds * MEDIA_PER_SECOND), MEDIA_BURST_MAX)
    if (due > 0) {
      this.#mediaAt = now
      for (let sent = 0; sent < due; sent++) this.#sendMedia()
      const isAfterwards = this.#oldRelayPorts.length > 0
      for (let sent = 0; isAfterwards && sent < (due * BELATED_PER_SECOND) / MEDIA_PER_SECOND; sent++)
        this.#sendBelated()
    }
    this.#peers.flush()
    return count
  }

  close(): void {
    this.clients.close()
    this.#peers.close()
  }

  *#begin(number: number, generation: number): Dialogue {
    const client = this.#clients[number]
    yield* mustSucceed('Allocate', client.allocate())
    yield* mustSucceed('CreatePermission', client.createPermission(this.peerOf(number)))
    yield* mustSucceed('ChannelBind', client.bindChannel(CHANNEL, this.peerOf(number)))
    yield* client.echo(CHANNEL, crashPayload(number, ECHO, generation))
  }

  #note(request: OldRequest, { challengeCount }: SoakClient, code: number): void {
    const answer = `${challengeCount > 0 ? '438, then ' : ''}${code}`
    const counts = this.answers[request]
    counts[answer] = (counts[answer] ?? 0) + 1
  }

  /** From a client and from its peer. Clients that have no allocation now send what nobody takes. */
  #sendMedia(): void {
    const client = (this.#turn++ * MEDIA_EVERY) % this.#clients.length
    const { host, relayed } = this.#clients[client]
    const payload = crashPayload(client, MEDIA, this.#turn)
    this.clients.send(host, LOOPBACK_WORD, this.#serverPort, channelData(CHANNEL, payload))
    this.#sendFromPeer(client, relayed[0].port, payload)
    this.mediaSent++
  }

  #sendBelated(): void {
    const client = this.#belatedTurn++ % this.#oldRelayPorts.length
    this.#sendFromPeer(client, this.#oldRelayPorts[client], crashPayload(client, BELATED, this.#belatedTurn))
    this.belatedSent++
  }

  #sendFromPeer(client: number, relayPort: number, payload: Uint8Array): void {
    const host = sharesPeer(client) ? SHARED_PEER_HOST : PEER_HOST + client
    if (relayPort > 0) this.#peers.send(host, LOOPBACK_WORD, relayPort, payload)
  }
}

export function sharesPeer(client: number): boolean {
  return client % SHARED_EVERY === SHARED_EVERY - 1
}
