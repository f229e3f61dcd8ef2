// The stage of a load: sockets, allocations on the server (or none, to measure the generator itself), and lanes of one direction each.
import type { ClientUser } from '../turn-dialogue.js'
import { Clients } from './clients.js'
import { Endpoint, LOOPBACK_WORD, swapBytes } from './endpoint.js'
import { directFlows, type Flows, openFlows } from './flows.js'
import { type Kernel, openKernel } from './kernel.js'
import type { Latencies } from './latencies.js'
import { PayloadTemplate } from './payload.js'
import { Receiver } from './receiver.js'
import { type Framing, type StreamShape, streamShape } from './route.js'
import { Sender } from './sender.js'

export type Direction = 'client-to-peer' | 'peer-to-client'

/** The server under load, as every task of the generator is told of it. */
export interface Target {
  readonly port: number
  readonly pid: number
  readonly core: number
}

export interface StageOptions {
  /** null: clients and peer send to each other, so that the generator is all that works. */
  readonly target: Target | null
  readonly user: ClientUser
  /** See Clients. */
  readonly network: number
  readonly flowCount: number
  readonly framing: 'channel' | 'indication'
  /** Whether single packets may be injected into the network device: see InjectedMessages. */
  readonly canInject: boolean
}

/** One direction of the load. */
export interface Lane {
  readonly sender: Sender
  readonly receiver: Receiver
}

export class Stage {
  readonly kernel: Kernel
  readonly #clients: Clients
  readonly #peer: Endpoint
  readonly #flows: Flows
  readonly #canInject: boolean

  constructor({ target, user, network, flowCount, framing, canInject }: StageOptions) {
    this.#canInject = canInject
    this.kernel = openKernel()
    this.#clients = new Clients(this.kernel, network, swapBytes(LOOPBACK_WORD), target?.port ?? 0)
    this.#peer = new Endpoint(this.kernel, LOOPBACK_WORD)
    this.#flows =
      target === null
        ? directFlows(this.#clients, this.#peer, flowCount, framing)
        : openFlows(this.#clients, target.port, this.#peer, flowCount, framing, user)
  }

  /** Every flow gets a stream of each shape in this direction, and as many prepared messages per stream. */
  lane(
    direction: Direction,
    shapes: readonly StreamShape[],
    messagesPerStream: number,
    latencies: Latencies | null = null,
  ): Lane {
    const { kernel } = this
    const isUpwards = direction === 'client-to-peer'
    const flows = this.#flows
    const routes = isUpwards ? flows.upwards : flows.downwards
    const framing: Framing = isUpwards ? flows.upwardsFraming : flows.downwardsFraming
    const [from, to] = isUpwards ? [this.#clients.endpoint, this.#peer] : [this.#peer, this.#clients.endpoint]
    const templates = Array.from({ length: routes.length * shapes.length }, (_, stream) => {
      return new PayloadTemplate(stream, streamShape(stream, routes.length, shapes).payloadLength)
    })
    const isInjected = this.#canInject && shapes.every(({ burst }) => burst === 1)
    return {
      sender: new Sender(kernel, from, routes, shapes, templates, messagesPerStream, isInjected),
      receiver: new Receiver(kernel, to, routes, templates, flows.flowOfDestination, framing, latencies),
    }
  }

  /** Releases the allocations. */
  close(): void {
    this.#flows.close()
    this.#clients.close()
    this.#peer.close()
  }
}
