// DTLS over a connected UDP socket, by Node's own OpenSSL (net/dtls/client-session.ts): a frame is a record.
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { subjectAltNames } from '../auth/certificate-names.js'
import { CLIENT_DTLS_LOOK_MILLISECONDS } from '../limits/clients.js'
import { DtlsClientSession } from '../net/dtls/client-session.js'
import { hostAddress, type TransportAddress } from '../stun/address.js'
import { ClientError, socketError } from './client-error.js'
import { alpnOf, certificateProblems, type PeerSecurity } from './peer-security.js'
import type { ClientTransport, OpenRequest } from './transport.js'
import { connectUdp, localAddressOf } from './udp-transport.js'

export async function openDtls(request: OpenRequest): Promise<ClientTransport> {
  const session = newSession(request)
  const socket = await connectUdp(request).catch((error) => {
    session.free()
    throw error
  })
  const transport = new DtlsTransport(socket, session, request)
  try {
    await request.deadline.race(transport.established, `${request.where}: no DTLS handshake`)
    transport.openMilliseconds = performance.now() - request.startedAt
    transport.security = securityOf(session, request)
    return transport
  } catch (error) {
    await transport.close()
    throw error
  }
}

function newSession(request: OpenRequest): DtlsClientSession {
  const { ca = null, serverName, where } = request
  try {
    const isName = hostAddress(serverName) === null
    return new DtlsClientSession({ ca, serverName: isName ? serverName : '', alpn: alpnOf(request) })
  } catch (error) {
    throw new ClientError('dtls-unavailable', `${where}: ${(error as Error).message}`, { cause: error })
  }
}

class DtlsTransport implements ClientTransport {
  readonly kind = 'dtls'
  readonly isReliable = false
  readonly localAddress: TransportAddress
  readonly remoteAddress: TransportAddress
  openMilliseconds = 0
  security: PeerSecurity | null = null
  onFrame: (frame: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  readonly established: Promise<void>
  readonly #socket: Socket
  readonly #session: DtlsClientSession
  readonly #where: string
  readonly #timer: NodeJS.Timeout
  #establish: () => void = () => {}
  #fail: (error: ClientError) => void = () => {}
  #isClosed = false

  constructor(socket: Socket, session: DtlsClientSession, { address, where }: OpenRequest) {
    this.#socket = socket
    this.#session = session
    this.#where = where
    this.localAddress = localAddressOf(socket)
    this.remoteAddress = address.clone()
    this.established = new Promise((resolve, reject) => {
      this.#establish = resolve
      this.#fail = reject
    })
    socket.on('message', (datagram) => this.#receive(datagram))
    socket.on('error', (error) => this.#fault(socketError(error, where)))
    this.#timer = setInterval(() => this.#sendAll(session.retransmit()), CLIENT_DTLS_LOOK_MILLISECONDS)
    this.#sendAll(session.advance())
  }

  send(frame: Uint8Array): boolean {
    if (this.#isClosed || this.#session.hasEnded) return false
    const datagrams = this.#session.write(frame)
    this.#sendAll(datagrams)
    return datagrams.length > 0
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#sendAll(this.#session.shutdown())
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#session.free()
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #receive(datagram: Uint8Array): void {
    if (this.#isClosed || this.#session.hasEnded) return
    const frames = this.#session.receive(datagram)
    for (const frame of frames) this.onFrame(frame)
    if (this.#isClosed) return
    this.#sendAll(this.#session.advance())
    if (this.#session.isEstablished) {
      clearInterval(this.#timer)
      this.#establish()
    }
    if (this.#session.hasEnded) this.#fault(this.#endError())
  }

  #endError(): ClientError {
    const { failure, isEstablished } = this.#session
    if (isEstablished) return new ClientError('connection-closed', `${this.#where}: the server closed the session`)
    return new ClientError('tls-failed', `${this.#where}: the DTLS handshake failed (${failure})`)
  }

  #fault(error: ClientError): void {
    if (this.#isClosed) return
    // Whoever waits for the handshake, else whoever uses the transport.
    this.#fail(error)
    if (this.#session.isEstablished) this.onFault(error)
  }

  #sendAll(datagrams: readonly Buffer[]): void {
    if (this.#isClosed) return
    for (const datagram of datagrams) {
      this.#socket.send(datagram, (error) => {
        if (error) this.#fault(socketError(error, this.#where))
      })
    }
  }
}

function securityOf(session: DtlsClientSession, { serverName }: OpenRequest): PeerSecurity {
  const facts = session.facts()
  const certificate = facts.certificate === null ? null : new X509Certificate(facts.certificate)
  return {
    protocol: facts.protocol,
    cipher: facts.cipher,
    alpn: facts.alpn,
    isAlpnRefused: false,
    serverName,
    certificate,
    names: subjectAltNames(certificate?.subjectAltName),
    problems: certificateProblems(certificate, serverName, facts.chainError, Date.now()),
  }
}
