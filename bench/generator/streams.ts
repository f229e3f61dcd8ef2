// Clients over TCP or TLS that fill the server: their frames go up to a UDP peer, or its bursts down to them.
//
// The sockets of the clients are Node's, so the load is made in turns of its event loop, which never sleeps.
import { TransportAddress } from '../../src/stun/address.js'
import { type ClientUser, TurnDialogue } from '../turn-dialogue.js'
import { Endpoint, LOOPBACK_WORD } from './endpoint.js'
import { setUp } from './flows.js'
import { openKernel } from './kernel.js'
import { type LoadResult, Meter } from './meter.js'
import { PayloadTemplate } from './payload.js'
import type { Direction, Target } from './stage.js'
import { StreamClient, type StreamTls } from './stream-client.js'
import { type Bursts, downwards, routeOf, type StreamLane, upwards } from './stream-lanes.js'

export interface StreamsOptions extends Bursts {
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
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface StreamsResult extends LoadResult {
  /** 'TCP', or the protocol and cipher that were agreed on. */
  readonly transport: string
}

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
