// How frames (STUN messages and ChannelData) get to a server and back: the contract of the four transports, and the choice among them.
//
//   openTransport ─► UDP   udp-transport.ts      a frame is a datagram
//                    TCP   stream-transport.ts   frames are cut from a byte stream
//                    TLS   tls-transport.ts      the same, and who the server says it is
//                    DTLS  dtls-transport.ts     a frame is a record
import { CLIENT_OPEN_MILLISECONDS_MAX } from '../limits/clients.js'
import type { TransportAddress } from '../stun/address.js'
import { ClientError } from './client-error.js'
import { Deadline } from './deadline.js'
import { openDtls } from './dtls-transport.js'
import type { PeerSecurity } from './peer-security.js'
import { resolveHost } from './resolve-host.js'
import { openTcp } from './stream-transport.js'
import { openTls } from './tls-transport.js'
import type { TransportKind } from './turn-uri.js'
import { openUdp } from './udp-transport.js'

export interface ClientTransport {
  readonly kind: TransportKind
  /** Bytes arrive, in order, or the transport ends: requests are not sent again. */
  readonly isReliable: boolean
  readonly localAddress: TransportAddress
  readonly remoteAddress: TransportAddress
  /** From the first packet to the end of the handshake; of UDP, next to nothing. */
  readonly openMilliseconds: number
  /** Of TLS and DTLS; else null. */
  readonly security: PeerSecurity | null
  /** Each frame that arrives. Its memory is not written to again: it may be kept. */
  onFrame: (frame: Uint8Array) => void
  /** Over UDP and DTLS an ICMP error, after which the transport goes on; over streams their end, which is the last call. Not after close(). */
  onFault: (error: ClientError) => void
  /** Takes a copy. False, and nothing is sent, if the transport has ended or has CLIENT_BACKLOG_BYTES_MAX to write. */
  send(frame: Uint8Array): boolean
  /** Within CLIENT_CLOSE_MILLISECONDS_MAX, whatever the server does. May be called again. */
  close(): Promise<void>
}

export interface TransportTarget {
  readonly transport: TransportKind
  /** A name or an IP address. Of a name the first address is taken: resolveHost tells all. */
  readonly host: string
  readonly port: number
}

export interface TransportOptions {
  /** An IP address of this machine. */
  readonly localAddress?: string
  /** Addresses of this family only. */
  readonly family?: 4 | 6
  /** Whom the certificate must be of, and what SNI says; the target's host if absent. */
  readonly serverName?: string
  /** PEM texts of the authorities to trust in place of Node's own list. */
  readonly ca?: string
  /** The protocols to offer (RFC 7443); `stun.turn` if absent, none if empty. */
  readonly alpn?: readonly string[]
  /** For everything: the name, the connection, the handshake. */
  readonly timeoutMilliseconds?: number
  readonly signal?: AbortSignal
}

/** What the four transports get: an address, and the time that is left. */
export interface OpenRequest extends TransportOptions {
  readonly address: TransportAddress
  readonly serverName: string
  readonly deadline: Deadline
  /** Of performance.now(), when the address was known. */
  readonly startedAt: number
  /** For errors, as in `TCP 192.0.2.1:3478`. */
  readonly where: string
}

const OPEN: Readonly<Record<TransportKind, (request: OpenRequest) => Promise<ClientTransport>>> = {
  udp: openUdp,
  tcp: openTcp,
  tls: openTls,
  dtls: openDtls,
}

/** Rejects with a ClientError. What is wrong with a certificate is none: it is in `security.problems`. Over UDP that nothing is sent means that success says nothing about the server. */
export async function openTransport(target: TransportTarget, options: TransportOptions = {}): Promise<ClientTransport> {
  const { signal, timeoutMilliseconds = CLIENT_OPEN_MILLISECONDS_MAX } = options
  const { host, port, transport } = target
  const shownHost = host.includes(':') ? `[${host}]` : host
  const name = transport.toUpperCase()
  const deadline = new Deadline(timeoutMilliseconds, signal)
  try {
    const [address] = await deadline.race(resolveHost(host, port, options.family), `no address of ${host}`)
    const where = `${name} ${address}`
    const serverName = options.serverName ?? host
    return await OPEN[transport]({ ...options, address, serverName, deadline, where, startedAt: performance.now() })
  } catch (error) {
    if (error instanceof ClientError) throw error
    throw new ClientError('unreachable', `${name} ${shownHost}:${port}: ${(error as Error).message}`, { cause: error })
  } finally {
    deadline.clear()
  }
}
