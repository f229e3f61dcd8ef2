// A TurnCore without sockets, with allocations and channels made by real requests: the stage of bench/core.ts.
import { randomBytes } from 'node:crypto'
import { Authenticator } from '../src/auth/authenticator.js'
import { StaticUsers } from '../src/auth/static-users.js'
import { hostAddress, type TransportAddress } from '../src/stun/address.js'
import { TurnCore } from '../src/turn/core.js'
import { FiveTuple } from '../src/turn/five-tuple.js'
import type { TurnObserver, TurnOutput } from '../src/turn/output.js'
import { PeerPolicy } from '../src/turn/peer-policy.js'
import { RelayPorts } from '../src/turn/relay-ports.js'
import { TurnClient } from './turn-client.js'

const REALM = 'bench'
const USER = { username: 'bench', password: 'bench' }
const CLIENT_PORT_FIRST = 40_000
const PEER_PORT_FIRST = 50_000
const CHANNEL_NUMBER_FIRST = 0x4000

/** Counts what would be sent. Answers of the core are copied to `answer` for the set-up. */
export class CountingOutput implements TurnOutput {
  packetCount = 0
  byteCount = 0
  answer: Uint8Array = new Uint8Array(0)
  /** The relay that openRelay asked for last; -1 before the first. */
  openedRelayId = -1

  sendToClient(_client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.answer = bytes.slice(start, end)
  }

  sendDataIndication(
    _client: FiveTuple,
    _header: Uint8Array,
    headerEnd: number,
    _bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.packetCount++
    this.byteCount += headerEnd + end - start
  }

  sendChannelData(_client: FiveTuple, _channelNumber: number, _bytes: Uint8Array, start: number, end: number): void {
    this.packetCount++
    this.byteCount += end - start
  }

  sendToPeer(_relayId: number, _peer: TransportAddress, _bytes: Uint8Array, start: number, end: number): void {
    this.packetCount++
    this.byteCount += end - start
  }

  openRelay(relayId: number): void {
    this.openedRelayId = relayId
  }

  closeRelay(): void {
    // There is no socket.
  }

  closeClient(): void {
    // There is no connection.
  }
}

const SILENT: TurnObserver = {
  allocationCreated: () => {},
  allocationDeleted: () => {},
  allocationMoved: () => {},
  relayDeleted: () => {},
  refused: () => {},
  unanswered: () => {},
}

/** One allocation with one peer, which is bound to a channel or has only a permission. */
export interface Flow {
  readonly fiveTuple: FiveTuple
  readonly relayId: number
  readonly peer: TransportAddress
  readonly channelNumber: number
}

export class CoreWorld {
  readonly output = new CountingOutput()
  readonly core: TurnCore

  constructor(maxAllocations: number) {
    const random = { nextUint32: () => randomBytes(4).readUInt32BE() }
    const relayAddress = address('192.0.2.1', 0)
    const relayHosts = [{ address: relayAddress, advertised: relayAddress }]
    const relayPorts = new RelayPorts(1, 24_000, 29_999, random)
    this.core = new TurnCore({
      output: this.output,
      observer: SILENT,
      authenticator: new Authenticator({
        realm: REALM,
        stores: [new StaticUsers(REALM, [{ name: USER.username, password: USER.password }])],
        nonceSecret: randomBytes(32),
      }),
      policy: new PeerPolicy({
        rules: [],
        relayHosts,
        relayPorts,
        ownSockets: [address('192.0.2.1', 3478)],
        localHosts: [relayAddress],
        nat64Prefixes: [],
      }),
      relayHosts,
      relayPorts,
      random,
      maxAllocations,
      userQuota: 0,
      monotonicStartSeconds: 0,
      permissionCountMax: 16,
      channelCountMax: 16,
      supportsDontFragment: false,
    })
  }

  /** Allocations of `count` clients behind one NAT address, to `count` peers behind another. */
  addFlows(count: number, withChannel: boolean): Flow[] {
    return Array.from({ length: count }, (_, index) => this.#addFlows(index, 1, withChannel)).flat()
  }

  /** The same with channels to two ports of each peer, one after the other, as for RTP and RTCP. */
  addPairs(count: number): Flow[] {
    return Array.from({ length: count }, (_, index) => this.#addFlows(index, 2, true)).flat()
  }

  #addFlows(index: number, portCount: number, withChannel: boolean): Flow[] {
    const fiveTuple = new FiveTuple()
    fiveTuple.client.copyFrom(address('198.51.100.7', CLIENT_PORT_FIRST + index))
    const client = new TurnClient((request) => this.#exchange(fiveTuple, request), USER)
    if (!client.allocate()) throw new Error('the core has an allocation already')
    const relayId = this.output.openedRelayId
    return Array.from({ length: portCount }, (_, offset) => {
      const number = index * portCount + offset
      const peer = address('1.2.3.4', PEER_PORT_FIRST + number)
      const channelNumber = CHANNEL_NUMBER_FIRST + number
      if (withChannel) client.bindChannel(channelNumber, peer)
      else client.createPermission(peer)
      return { fiveTuple, relayId, peer, channelNumber }
    })
  }

  #exchange(fiveTuple: FiveTuple, request: Uint8Array): Uint8Array {
    const { output, core } = this
    const relayIdBefore = output.openedRelayId
    output.answer = new Uint8Array(0)
    core.handleClientFrame(fiveTuple, request, 0, request.length)
    if (output.openedRelayId !== relayIdBefore) core.handleRelayOpened(output.openedRelayId)
    if (output.answer.length === 0) throw new Error('the core did not answer')
    return output.answer
  }
}

function address(host: string, port: number): TransportAddress {
  const made = hostAddress(host, port)
  if (made === null) throw new Error(`${host} is no IP address`)
  made.host = host
  return made
}
