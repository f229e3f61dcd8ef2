// What an attacker stands on: where the server is, whose credentials it may use, how long it has, and where it leaves what must be closed.
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { ClosingList } from '../support/closing.js'
import type { EngineName } from '../support/engines.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import type { AbuseScheme } from './attack.js'
import { PersistentClient } from './persistent-client.js'

export const HOST = '127.0.0.1'
/** Eight bytes, as the promise about the length of a 401 has it. */
export const REALM = 'turntest'
/** The innocent and the newcomers. */
export const ALICE = { username: 'alice', password: 'correct horse' } as const
/** The attacker's own account, where it has one. */
export const MALLORY = { username: 'mallory', password: 'battery staple' } as const
/** Users with a quota of their own, whom it knows. */
export const ACCOMPLICES = ['carol', 'dave', 'erin', 'frank'].map((username) => ({ username, password: 'shared' }))
/** Unauthenticated answers a second of every server; loopback would be exempt without it. */
export const UNAUTHENTICATED_RATE = 200
export const UNAUTHENTICATED_BURST = 10 * UNAUTHENTICATED_RATE
const DATA_INDICATION = 0x0017
export const PEERS = '127.0.0.0/8'
/** No peer may be there. */
export const FORBIDDEN_PEERS = '127.66.0.0/16'

/** Where the innocent's call is, for attacks on it. */
export interface InnocentCall {
  readonly client: { readonly host: string; readonly port: number }
  readonly relayPort: number
  readonly peerPort: number
}

/** Plain data, for another thread. */
export interface GroundData {
  readonly engine: EngineName
  readonly workerCount: number
  readonly pid: number
  readonly seconds: number
  readonly ports: Readonly<Partial<Record<AbuseScheme, number>>>
  readonly relayPorts: { readonly first: number; readonly last: number }
  /** PEM. */
  readonly certificate: string
  /** The kernel keeps little for a connection that is not read (own-network.ts). */
  readonly isOwnNetwork: boolean
  /** Null before it has begun. */
  readonly innocent: InnocentCall | null
}

/** What the clients of a ground have sent and received. */
export interface Traffic {
  sent: number
  sentBytes: number
  replies: number
  replyBytes: number
}

export class Ground extends ClosingList {
  readonly data: GroundData
  /** Of the clients that it has made; a Flood counts for itself. */
  readonly traffic: Traffic = { sent: 0, sentBytes: 0, replies: 0, replyBytes: 0 }

  constructor(data: GroundData) {
    super()
    this.data = data
  }

  get seconds(): number {
    return this.data.seconds
  }

  get milliseconds(): number {
    return 1000 * this.data.seconds
  }

  get innocent(): InnocentCall {
    if (this.data.innocent === null) throw new Error('there is no innocent yet')
    return this.data.innocent
  }

  /** Where the server listens on HOST. */
  port(scheme: AbuseScheme = 'udp'): number {
    const port = this.data.ports[scheme]
    if (port === undefined) throw new Error(`this server does not listen for ${scheme}`)
    return port
  }

  /** A client over UDP, closed at the end, that asks again when no answer comes. @param from an address of 127.0.0.0/8 */
  async client(user: Credentials = MALLORY, from?: string): Promise<TurnClient> {
    const client = new PersistentClient(this.#metered(await connectUdp(HOST, this.port(), from)), user)
    this.teardown(() => client.transport.close())
    return client
  }

  /** The same with an allocation, which goes with it. */
  async allocation(user: Credentials = MALLORY, from?: string): Promise<TurnClient> {
    const client = await this.client(user, from)
    const { code } = await client.allocate()
    if (code !== 0) throw new Error(`Allocate of ${user.username} was answered with ${code}`)
    // Whoever has left already is gone.
    this.teardown(() => client.refresh({ lifetimeSeconds: 0 }).catch(() => {}))
    return client
  }

  /** A client over a stream, closed at the end. */
  async streamClient(scheme: 'tcp' | 'tls', user: Credentials = MALLORY, from?: string): Promise<TurnClient> {
    const transport =
      scheme === 'tcp'
        ? await connectTcp(HOST, this.port('tcp'), from)
        : await connectTls(HOST, this.port('tls'), this.data.certificate, from === undefined ? {} : { from })
    this.teardown(() => transport.close())
    return new TurnClient(this.#metered(transport), user)
  }

  #metered(transport: ClientTransport): ClientTransport {
    const { traffic } = this
    return {
      ...transport,
      send: (frame) => {
        traffic.sent++
        traffic.sentBytes += frame.length
        transport.send(frame)
      },
      receive: (onFrame) =>
        transport.receive((frame) => {
          traffic.replies++
          traffic.replyBytes += frame.length
          onFrame(frame)
        }),
    }
  }
}

/** What peers have sent to this client since it was asked last. An answer to a request that was sent again is no data. */
export function takeData({ inbox }: TurnClient): Buffer[] {
  return inbox.takeAll().filter((frame) => frame[0] >= 0x40 || frame.readUInt16BE() === DATA_INDICATION)
}

export interface Credentials {
  readonly username: string
  readonly password: string
}
