// The effects of a stream worker's core, each to whoever carries it out: by how the client came, and what kind of relay it is.
import type { TransportAddress } from '../stun/address.js'
import { type FiveTuple, TRANSPORT_DTLS } from '../turn/five-tuple.js'
import type { ConnectionOutput, TurnOutput } from '../turn/output.js'
import type { DtlsClients } from './dtls/dtls-clients.js'
import type { ClientStreams } from './stream/client-streams.js'
import type { TcpRelays } from './tcp-relay/tcp-relays.js'

/** What of an engine serves the relays of stream clients. */
export type RelayOutput = Pick<TurnOutput, 'sendToPeer' | 'openRelay' | 'closeRelay'>

type ClientOutput = Pick<TurnOutput, 'sendToClient' | 'sendDataIndication' | 'sendChannelData' | 'closeClient'>

export class TransportRouter implements TurnOutput, ConnectionOutput {
  readonly #relays: RelayOutput
  readonly #streams: ClientStreams
  #dtls: DtlsClients | null
  readonly #tcpRelays: TcpRelays

  constructor(relays: RelayOutput, streams: ClientStreams, dtls: DtlsClients | null, tcpRelays: TcpRelays) {
    this.#relays = relays
    this.#streams = streams
    this.#dtls = dtls
    this.#tcpRelays = tcpRelays
  }

  /** There are DTLS clients from now on. */
  setDtls(dtls: DtlsClients): void {
    this.#dtls = dtls
  }

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.#of(client).sendToClient(client, bytes, start, end)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#of(client).sendDataIndication(client, header, headerEnd, bytes, start, end)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    this.#of(client).sendChannelData(client, channelNumber, bytes, start, end)
  }

  closeClient(client: FiveTuple): void {
    this.#of(client).closeClient(client)
  }

  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    this.#relays.sendToPeer(relayId, peer, bytes, start, end, dontFragment)
  }

  openRelay(relayId: number, address: TransportAddress): void {
    this.#relays.openRelay(relayId, address)
  }

  closeRelay(relayId: number): void {
    this.#relays.closeRelay(relayId)
  }

  openTcpRelay(relayId: number, address: TransportAddress): void {
    this.#tcpRelays.openTcpRelay(relayId, address)
  }

  closeTcpRelay(relayId: number): void {
    this.#tcpRelays.closeTcpRelay(relayId)
  }

  connectPeer(connectionId: number, relayId: number, peer: TransportAddress): void {
    this.#tcpRelays.connectPeer(connectionId, relayId, peer)
  }

  closePeerConnection(connectionId: number, handle: number): void {
    this.#tcpRelays.closePeerConnection(connectionId, handle)
  }

  bindPeerConnection(client: FiveTuple, connectionId: number, handle: number): void {
    this.#streams.bindPeerConnection(client, connectionId, handle)
  }

  closeDataConnection(connectionId: number): void {
    this.#tcpRelays.closeDataConnection(connectionId)
  }

  #of(client: FiveTuple): ClientOutput {
    return client.transport === TRANSPORT_DTLS && this.#dtls !== null ? this.#dtls : this.#streams
  }
}
