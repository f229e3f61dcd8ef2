// The flows of a load: allocations on the server, each with one client and the same peer, and the routes of both directions.
import { randomBytes } from 'node:crypto'
import { TransportAddress } from '../../src/stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../src/stun/channel-data.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  METHOD_DATA,
  METHOD_SEND,
} from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { type ClientUser, type Dialogue, TurnDialogue } from '../turn-dialogue.js'
import type { Clients } from './clients.js'
import { type Endpoint, LOOPBACK_WORD, portWord, swapBytes } from './endpoint.js'
import type { Framing, Route } from './route.js'

const LOOPBACK_HOST_WORD = swapBytes(LOOPBACK_WORD)
/** In RFC 8656's range, which every server accepts. */
const CHANNEL_NUMBER_FIRST = 0x4000
const CHANNEL_NUMBER_COUNT = 0x1000
const PARALLEL = 16
const NO_HEADER = () => new Uint8Array(0)

export function channelNumberOf(flow: number): number {
  return CHANNEL_NUMBER_FIRST + (flow % CHANNEL_NUMBER_COUNT)
}

/** The whole set-up of one client: allocation, permission and channel. */
export function* setUp(dialogue: TurnDialogue, flow: number, peer: TransportAddress): Dialogue {
  if (!(yield* dialogue.allocate())) throw new Error(`client ${flow} has an allocation already`)
  yield* dialogue.createPermission(peer)
  yield* dialogue.bindChannel(channelNumberOf(flow), peer)
}

export interface Flows {
  /** By flow. */
  readonly upwards: readonly Route[]
  readonly downwards: readonly Route[]
  /** What peers and clients receive. */
  readonly upwardsFraming: Framing
  readonly downwardsFraming: Framing
  readonly flowOfDestination: ReadonlyMap<number, number>
  close(): void
}

/** Opens `count` allocations with a channel, or without one for indications. */
export function openFlows(
  clients: Clients,
  serverPort: number,
  peer: Endpoint,
  count: number,
  framing: Framing,
  user: ClientUser,
): Flows {
  const peerAddress = new TransportAddress().setIPv4(LOOPBACK_WORD, peer.port)
  const dialogues = Array.from({ length: count }, () => new TurnDialogue(user))
  const opening = dialogues.map((dialogue, flow) => {
    return framing === 'channel' ? setUp(dialogue, flow, peerAddress) : setUpWithoutChannel(dialogue, peerAddress)
  })
  clients.converse(opening, PARALLEL)
  const relayPortWords = dialogues.map((dialogue) => portWord(dialogue.relayedTransportAddress.port))
  return {
    upwards: dialogues.map((_, flow) => ({
      toPortWord: portWord(serverPort),
      toHostWord: LOOPBACK_HOST_WORD,
      fromHostWord: clients.hostWord(flow),
      header: headerOf(framing, METHOD_SEND, flow, peerAddress),
      arrivalPortWord: relayPortWords[flow],
      arrivalHostWord: LOOPBACK_HOST_WORD,
      channelNumber: channelNumberOf(flow),
    })),
    downwards: dialogues.map((_, flow) => ({
      toPortWord: relayPortWords[flow],
      toHostWord: LOOPBACK_HOST_WORD,
      fromHostWord: 0,
      header: NO_HEADER,
      arrivalPortWord: portWord(serverPort),
      arrivalHostWord: LOOPBACK_HOST_WORD,
      channelNumber: channelNumberOf(flow),
    })),
    upwardsFraming: 'bare',
    downwardsFraming: framing,
    flowOfDestination: new Map(dialogues.map((_, flow) => [clients.hostWord(flow), flow])),
    close: () => {
      clients.converse(
        dialogues.map((dialogue) => dialogue.release()),
        PARALLEL,
      )
    },
  }
}

/** The same without a server: clients and peer send to each other what a server would have sent. It measures the generator itself. */
export function directFlows(clients: Clients, peer: Endpoint, count: number, framing: Framing): Flows {
  const peerAddress = new TransportAddress().setIPv4(LOOPBACK_WORD, peer.port)
  const clientPortWord = portWord(clients.endpoint.port)
  const flows = Array.from({ length: count }, (_, flow) => flow)
  return {
    upwards: flows.map((flow) => ({
      toPortWord: portWord(peer.port),
      toHostWord: LOOPBACK_HOST_WORD,
      fromHostWord: clients.hostWord(flow),
      header: NO_HEADER,
      arrivalPortWord: clientPortWord,
      arrivalHostWord: clients.hostWord(flow),
      channelNumber: channelNumberOf(flow),
    })),
    downwards: flows.map((flow) => ({
      toPortWord: clientPortWord,
      toHostWord: clients.hostWord(flow),
      fromHostWord: 0,
      header: headerOf(framing, METHOD_DATA, flow, peerAddress),
      arrivalPortWord: portWord(peer.port),
      arrivalHostWord: LOOPBACK_HOST_WORD,
      channelNumber: channelNumberOf(flow),
    })),
    upwardsFraming: 'bare',
    downwardsFraming: framing,
    flowOfDestination: new Map(flows.map((flow) => [clients.hostWord(flow), flow])),
    close: () => {},
  }
}

function* setUpWithoutChannel(dialogue: TurnDialogue, peer: TransportAddress): Dialogue {
  if (!(yield* dialogue.allocate())) throw new Error('the client has an allocation already')
  yield* dialogue.createPermission(peer)
}

/** The header that a client puts before a payload, or with METHOD_DATA that the server does. */
function headerOf(framing: Framing, method: number, flow: number, peer: TransportAddress): Route['header'] {
  return (payloadLength) => {
    if (framing === 'channel') {
      const header = new Uint8Array(CHANNEL_DATA_HEADER_LENGTH)
      writeChannelDataHeader(header, 0, channelNumberOf(flow), payloadLength)
      return header
    }
    const message = new Uint8Array(2048)
    const writer = new MessageWriter().begin(message, 0, CLASS_INDICATION, method, randomBytes(12), 0)
    const payloadStart = writer
      .writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
      .writeAttributeHeader(ATTRIBUTE_DATA, payloadLength)
    writer.finish()
    return message.slice(0, payloadStart)
  }
}
