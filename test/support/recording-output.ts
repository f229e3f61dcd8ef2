// The two faces that the core calls, recorded: every effect and every piece of news, in order, with its bytes copied.
// Nothing here calls the core; core-harness.ts answers the openings.
import type { UnansweredReason } from '../../src/log/drops.js'
import type { RefusalReason } from '../../src/log/refusals.js'
import type { TransportAddress } from '../../src/stun/address.js'
import type { Allocation, Relay } from '../../src/turn/allocation.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import type { ConnectionOutput, DeletionCause, TurnObserver, TurnOutput } from '../../src/turn/output.js'

/** One call of the core. Addresses are textual; a Data indication is a `message` of its whole bytes. */
export type Effect =
  | { readonly kind: 'message'; readonly client: FiveTuple; readonly bytes: Uint8Array }
  | {
      readonly kind: 'channel-data'
      readonly client: FiveTuple
      readonly channelNumber: number
      readonly payload: Uint8Array
    }
  | {
      readonly kind: 'to-peer'
      readonly relayId: number
      readonly peer: string
      /** The text that an engine would hand to its socket. */
      readonly host: string
      readonly payload: Uint8Array
      /** Only with the DF bit. */
      readonly dontFragment?: true
    }
  /** `tcp`: a listener of a TCP relay. */
  | {
      readonly kind: 'open'
      readonly relayId: number
      readonly address: string
      readonly port: number
      readonly tcp?: true
    }
  | { readonly kind: 'close'; readonly relayId: number; readonly tcp?: true }
  | {
      readonly kind: 'connect-peer'
      readonly connectionId: number
      readonly relayId: number
      readonly peer: string
      readonly host: string
    }
  | { readonly kind: 'close-peer'; readonly connectionId: number; readonly handle: number }
  | {
      readonly kind: 'bind-peer'
      readonly client: FiveTuple
      readonly connectionId: number
      readonly handle: number
    }
  | { readonly kind: 'close-data'; readonly connectionId: number }
  | { readonly kind: 'close-client'; readonly client: FiveTuple }

export class RecordingOutput implements TurnOutput, ConnectionOutput {
  readonly effects: Effect[] = []

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.effects.push({ kind: 'message', client: copyOf(client), bytes: bytes.slice(start, end) })
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    // The buffer starts as zeros, which is the padding that engines add.
    const whole = new Uint8Array((headerEnd + end - start + 3) & ~3)
    whole.set(header.subarray(0, headerEnd))
    whole.set(bytes.subarray(start, end), headerEnd)
    this.effects.push({ kind: 'message', client: copyOf(client), bytes: whole })
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    this.effects.push({
      kind: 'channel-data',
      client: copyOf(client),
      channelNumber,
      payload: bytes.slice(start, end),
    })
  }

  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    this.effects.push({
      kind: 'to-peer',
      relayId,
      peer: peer.toString(),
      host: peer.host,
      payload: bytes.slice(start, end),
      ...(dontFragment ? { dontFragment } : {}),
    })
  }

  openRelay(relayId: number, address: TransportAddress): void {
    this.effects.push({ kind: 'open', relayId, address: address.toString(), port: address.port })
  }

  closeRelay(relayId: number): void {
    this.effects.push({ kind: 'close', relayId })
  }

  closeClient(client: FiveTuple): void {
    this.effects.push({ kind: 'close-client', client: copyOf(client) })
  }

  openTcpRelay(relayId: number, address: TransportAddress): void {
    this.effects.push({ kind: 'open', relayId, address: address.toString(), port: address.port, tcp: true })
  }

  closeTcpRelay(relayId: number): void {
    this.effects.push({ kind: 'close', relayId, tcp: true })
  }

  connectPeer(connectionId: number, relayId: number, peer: TransportAddress): void {
    this.effects.push({ kind: 'connect-peer', connectionId, relayId, peer: peer.toString(), host: peer.host })
  }

  closePeerConnection(connectionId: number, handle: number): void {
    this.effects.push({ kind: 'close-peer', connectionId, handle })
  }

  bindPeerConnection(client: FiveTuple, connectionId: number, handle: number): void {
    this.effects.push({ kind: 'bind-peer', client: copyOf(client), connectionId, handle })
  }

  closeDataConnection(connectionId: number): void {
    this.effects.push({ kind: 'close-data', connectionId })
  }

  of<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind)
  }

  /** The effects since the last call; they are forgotten. */
  take(): Effect[] {
    return this.effects.splice(0)
  }
}

export interface RecordedRefusal {
  readonly reason: RefusalReason
  readonly code: number
  readonly method: number
  readonly username: string
  readonly client: string
  /** '' if none was involved. */
  readonly peer: string
  /** Of tokens that do not hold now. */
  readonly overdueSeconds?: number
}

export class RecordingObserver implements TurnObserver {
  readonly created: Allocation[] = []
  readonly deleted: { readonly allocation: Allocation; readonly cause: DeletionCause }[] = []
  /** `FROM to ADDRESS`. */
  readonly moves: string[] = []
  readonly relaysDeleted: { readonly relay: Relay; readonly cause: DeletionCause }[] = []
  readonly refusals: RecordedRefusal[] = []
  /** Reason and client: `reply-limit 192.0.2.1:5000`. */
  readonly unansweredSources: string[] = []

  allocationCreated(allocation: Allocation): void {
    this.created.push(allocation)
  }

  allocationDeleted(allocation: Allocation, cause: DeletionCause): void {
    this.deleted.push({ allocation, cause })
  }

  allocationMoved(allocation: Allocation, from: FiveTuple): void {
    this.moves.push(`${from.client} to ${allocation.fiveTuple.client}`)
  }

  relayDeleted(relay: Relay, cause: DeletionCause): void {
    this.relaysDeleted.push({ relay, cause })
  }

  refused(
    reason: RefusalReason,
    code: number,
    method: number,
    username: string,
    client: TransportAddress,
    peer: TransportAddress | null,
    overdueSeconds = 0,
  ): void {
    this.refusals.push({
      ...{ reason, code, method, username },
      ...(overdueSeconds === 0 ? {} : { overdueSeconds }),
      client: client.toString(),
      peer: peer === null ? '' : peer.toString(),
    })
  }

  unanswered(reason: UnansweredReason, client: TransportAddress): void {
    this.unansweredSources.push(`${reason} ${client}`)
  }

  /** Reason and code of the last refusal: `peer-policy 403`; '' if there was none. */
  lastRefusal(): string {
    const last = this.refusals.at(-1)
    return last === undefined ? '' : `${last.reason} ${last.code}`
  }
}

function copyOf(fiveTuple: FiveTuple): FiveTuple {
  return new FiveTuple().copyFrom(fiveTuple)
}
