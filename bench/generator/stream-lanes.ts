// The two directions of a load over streams: who sends, who receives, and how much may be on its way.
//
// One scheme for both and for every server: of each flow a fixed number of packets is on its way at most (FlowWindows), counted where they
// arrive. Upwards that is twice a client's write, so that one is at the server while the other is made; downwards so few that they fit
// into the buffer of a relay socket, and into the 32 KiB that coturn lets pile up before a client's stream.
import { type Endpoint, LOOPBACK_WORD, portWord, swapBytes } from './endpoint.js'
import { FlowWindows } from './flow-windows.js'
import { channelNumberOf } from './flows.js'
import { FrameReceiver } from './frame-receiver.js'
import { FRAMES_PER_WRITE, FrameSender } from './frame-sender.js'
import type { Kernel } from './kernel.js'
import type { MeteredLane } from './meter.js'
import type { PayloadTemplate } from './payload.js'
import { Receiver } from './receiver.js'
import type { Route } from './route.js'
import { Sender } from './sender.js'
import type { StreamClient } from './stream-client.js'

/** How the peer sends. */
export interface Bursts {
  readonly payloadLength: number
  /** Datagrams that leave the peer together. */
  readonly burst: number
  /** Datagrams of one flow on their way down, at most. */
  readonly inFlightMax: number
  /** Whether single packets may be injected into the network device: see InjectedMessages. */
  readonly canInject: boolean
}

const WRITES_IN_FLIGHT = 2
/** The peer's socket is emptied, but not for ever. */
const RECEIVE_CALLS_MAX = 16

/** One direction of a load over streams. */
export interface StreamLane extends MeteredLane {
  /** Sends what may be sent. */
  readonly send: (now: number) => void
  /** Receives what Node does not. */
  readonly receive: () => void
}

export function upwards(
  kernel: Kernel,
  peer: Endpoint,
  clients: readonly StreamClient[],
  templates: readonly PayloadTemplate[],
  routes: readonly Route[],
): StreamLane {
  const sender = new FrameSender(clients, templates)
  const receiver = new Receiver(kernel, peer, routes, templates, new Map(), 'bare', null)
  const windows = new FlowWindows(clients.length, WRITES_IN_FLIGHT * FRAMES_PER_WRITE)
  const send = (now: number) => {
    for (let flow = 0; flow < clients.length; flow++) {
      const arrived = receiver.deliveries.nextSequence(flow)
      if (windows.hasRoom(flow, FRAMES_PER_WRITE, sender.nextSequence(flow), arrived, now)) sender.send(flow)
    }
  }
  const receive = () => {
    for (let call = 0; call < RECEIVE_CALLS_MAX && receiver.receive() > 0; call++);
  }
  return { sender, receiver, send, receive }
}

export function downwards(
  kernel: Kernel,
  peer: Endpoint,
  clients: readonly StreamClient[],
  templates: readonly PayloadTemplate[],
  routes: readonly Route[],
  { payloadLength, burst, inFlightMax, canInject }: Bursts,
): StreamLane {
  const sender = new Sender(kernel, peer, routes, [{ payloadLength, burst }], templates, 1, canInject && burst === 1)
  const receiver = new FrameReceiver(templates)
  for (const [flow, client] of clients.entries()) client.onData = (chunk) => receiver.push(flow, chunk)
  const windows = new FlowWindows(clients.length, inFlightMax)
  const hasRoom = (flow: number, now: number) => {
    return windows.hasRoom(flow, burst, sender.nextSequence(flow), receiver.deliveries.nextSequence(flow), now)
  }
  const send = (now: number) => {
    for (let first = 0; first < clients.length; first++) {
      let count = 0
      while (first + count < clients.length && hasRoom(first + count, now)) count++
      if (count > 0) sender.send(first, count, 0)
      first += count
    }
  }
  return { sender, receiver, send, receive: () => {} }
}

/** Between the peer and a relayed transport address, both ways. */
export function routeOf(relayPort: number, flow: number): Route {
  const relayPortWord = portWord(relayPort)
  const loopback = swapBytes(LOOPBACK_WORD)
  return {
    toPortWord: relayPortWord,
    toHostWord: loopback,
    fromHostWord: 0,
    header: () => new Uint8Array(0),
    arrivalPortWord: relayPortWord,
    arrivalHostWord: loopback,
    channelNumber: channelNumberOf(flow),
  }
}
