// Clients over TCP or TLS that fill the server: their frames go up to a UDP peer, or its bursts down to them.
//
// One scheme for both directions and every server: of each flow a fixed number of packets is on its way at most (FlowWindows), counted
// where they arrive. Upwards that is twice a client's write, so that one is at the server while the other is made; downwards so few that
// they fit into the buffer of a relay socket, and into the 32 KiB that coturn lets pile up before a client's stream.
//
// The sockets of the clients are Node's, so the load is made in turns of its event loop, which never sleeps.
import { TransportAddress } from '../../src/stun/address.js'
import { type ClientUser, TurnDialogue } from '../turn-dialogue.js'
import { Endpoint, LOOPBACK_WORD, portWord, swapBytes } from './endpoint.js'
import { FlowWindows } from './flow-windows.js'
import { channelNumberOf, setUp } from './flows.js'
import { FrameReceiver } from './frame-receiver.js'
import { FRAMES_PER_WRITE, FrameSender } from './frame-sender.js'
import { type Kernel, openKernel } from './kernel.js'
import { type LoadResult, Meter, type MeteredLane } from './meter.js'
import { PayloadTemplate } from './payload.js'
import { Receiver } from './receiver.js'
import type { Route } from './route.js'
import { Sender } from './sender.js'
import type { Direction, Target } from './stage.js'
import { StreamClient, type StreamTls } from './stream-client.js'

export interface StreamsOptions {
  readonly target: Target
  /** Where the server listens for this transport. */
  readonly port: number
  /** null: plain TCP. */
  readonly tls: StreamTls | null
  readonly user: ClientUser
  /** 1–250: clients are in 127.NETWORK.0.0/24. */
  readonly network: number
  readonly flowCount: number
  readonly direction: Direction
  readonly payloadLength: number
  /** Datagrams that leave the peer together. */
  readonly burst: number
  /** Datagrams of one flow on their way down, at most. */
  readonly inFlightMax: number
  /** Whether single packets may be injected into the network device: see InjectedMessages. */
  readonly canInject: boolean
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface StreamsResult extends LoadResult {
  /** 'TCP', or the protocol and cipher that were agreed on. */
  readonly transport: string
}

const WRITES_IN_FLIGHT = 2
/** The peer's socket is emptied, but not for ever. */
const RECEIVE_CALLS_MAX = 16
/** Nothing came for so long: what is still on its way is lost. */
const DRAIN_MS = 200
/** With nothing to do, look again after so long: looking often takes the server's lock on the socket. */
const PAUSE_MS = 0.003

export async function streams(options: StreamsOptions): Promise<StreamsResult> {
  const kernel = openKernel()
  const peer = new Endpoint(kernel, LOOPBACK_WORD)
  const { clients, relayPorts } = await openClients(options, peer.port)
  const templates = clients.map((_, flow) => new PayloadTemplate(flow, options.payloadLength))
  const routes = relayPorts.map((port, flow) => routeOf(port, flow))
  const lane =
    options.direction === 'client-to-peer'
      ? upwards(kernel, peer, clients, templates, routes)
      : downwards(kernel, peer, clients, templates, routes, options)
  const load = new StreamLoad(lane)
  await load.run(options.warmUpSeconds * 1000, true)
  const meter = new Meter([lane], options.target)
  meter.start()
  const idle = await load.run(options.seconds * 1000, true)
  meter.stop()
  await load.drain()
  const transport = clients[0].describe()
  for (const client of clients) client.close()
  peer.close()
  return { ...meter.result(idle), transport }
}

/** One direction of a load over streams. */
interface StreamLane extends MeteredLane {
  /** Sends what may be sent. */
  readonly send: (now: number) => void
  /** Receives what Node does not. */
  readonly receive: () => void
}

function upwards(
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

function downwards(
  kernel: Kernel,
  peer: Endpoint,
  clients: readonly StreamClient[],
  templates: readonly PayloadTemplate[],
  routes: readonly Route[],
  { payloadLength, burst, inFlightMax, canInject }: StreamsOptions,
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

class StreamLoad {
  readonly #lane: StreamLane

  constructor(lane: StreamLane) {
    this.#lane = lane
  }

  /** Goes on for so long. Returns the milliseconds without anything to do. */
  run(milliseconds: number, isSending: boolean): Promise<number> {
    const { sender, receiver, send, receive } = this.#lane
    let now = performance.now()
    const end = now + milliseconds
    let idle = 0
    let events = -1
    return new Promise((resolve) => {
      const turn = () => {
        const before = now
        if (isSending) send(now)
        receive()
        now = performance.now()
        const happened = sender.sent + receiver.received + receiver.arrivals
        if (happened === events) {
          const start = now
          while (now < start + PAUSE_MS) now = performance.now()
          idle += now - before
        }
        events = happened
        if (now < end) setImmediate(turn)
        else resolve(idle)
      }
      turn()
    })
  }

  /** Receives what is still on its way. */
  async drain(): Promise<void> {
    const { sender, receiver } = this.#lane
    let before = -1
    while (receiver.received > before && receiver.deliveries.delivered < sender.sent) {
      before = receiver.received
      await this.run(DRAIN_MS, false)
    }
  }
}

/** Clients with an allocation and a channel to the peer each, and the ports of their relayed transport addresses. */
async function openClients(options: StreamsOptions, peerPort: number) {
  const { port, tls, network, flowCount, user } = options
  const peer = new TransportAddress().setIPv4(LOOPBACK_WORD, peerPort)
  const clients: StreamClient[] = []
  const relayPorts: number[] = []
  for (let flow = 0; flow < flowCount; flow++) {
    const client = await StreamClient.connect({ port, tls }, `127.${network}.0.${1 + flow}`)
    const dialogue = new TurnDialogue(user)
    await client.converse(setUp(dialogue, flow, peer))
    clients.push(client)
    relayPorts.push(dialogue.relayedTransportAddress.port)
  }
  return { clients, relayPorts }
}

/** Between the peer and a relayed transport address, both ways. */
function routeOf(relayPort: number, flow: number): Route {
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
