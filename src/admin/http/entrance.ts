// The connections of the admin port before HTTP: counted, and told apart by their first byte into TLS and plain HTTP, so that one port serves both.
// One node:http server has all of them, with its deadlines and its end; what came over TLS has `encrypted` on its socket.
//
//   accept ─► too many? closed ─► no certificate ──────────────────────────────► HTTP
//                              └► first byte ─► 0x16 ─► TLS handshake ─► HTTP
//                                            └► else ──────────────────► HTTP (app.ts answers 308, but for probes of this machine)

import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { CertificateMaterial } from '../../auth/certificate-file.js'
import {
  ADMIN_CHECK_MILLISECONDS,
  ADMIN_CONNECTION_COUNT_MAX,
  ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX,
  ADMIN_HANDSHAKE_MILLISECONDS_MAX,
} from '../../limits/admin.js'
import { SourceCounts } from '../../net/source-counts.js'
import { ALPN_HTTP, TlsAcceptor } from '../../net/stream/tls-acceptor.js'
import { addressOf, isLoopback } from './client-address.js'

const TLS_HANDSHAKE_RECORD = 0x16
const TICKET_KEYS_LENGTH = 48

export class Entrance {
  readonly #tls = new TlsAcceptor(randomBytes(TICKET_KEYS_LENGTH), [ALPN_HTTP])
  readonly #sockets = new Set<Socket>()
  /** Those that come from elsewhere: whoever is on this machine finds a place whatever strangers do. */
  #strangerCount = 0
  readonly #counts = new SourceCounts()
  readonly #serve: (socket: Socket) => void
  readonly #timer: NodeJS.Timeout
  #hasCertificate = false
  #isClosed = false

  /** Takes the place of what the server does with a new connection. @param server that nobody has connected to yet */
  constructor(server: Server) {
    const serves = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
    server.removeAllListeners('connection')
    this.#serve = (socket) => {
      for (const serve of serves) serve.call(server, socket)
    }
    server.on('connection', (socket: Socket) => this.#accept(socket))
    this.#timer = setInterval(() => this.#tls.destroyStalled(), ADMIN_CHECK_MILLISECONDS).unref()
  }

  get hasCertificate(): boolean {
    return this.#hasCertificate
  }

  /** For handshakes from now on; without one everything is plain HTTP. */
  setCertificate(certificate: CertificateMaterial | null): void {
    if (certificate !== null) this.#tls.setCertificate(certificate)
    this.#hasCertificate = certificate !== null
  }

  /** Destroys what is open, whoever has it. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    const source = addressOf(socket.remoteAddress)
    const strangers = isLoopback(socket.remoteAddress) ? 0 : 1
    const isFull = strangers > 0 && this.#strangerCount >= ADMIN_CONNECTION_COUNT_MAX
    if (this.#isClosed || isFull || this.#counts.of(source) >= ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    this.#counts.add(source)
    this.#strangerCount += strangers
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#counts.remove(source)
      this.#strangerCount -= strangers
    })
    if (this.#hasCertificate) this.#tellApart(socket)
    else this.#serve(socket)
  }

  #tellApart(socket: Socket): void {
    const deadline = setTimeout(() => socket.destroy(), ADMIN_HANDSHAKE_MILLISECONDS_MAX).unref()
    socket.once('close', () => clearTimeout(deadline))
    socket.once('data', (bytes: Buffer) => {
      // As if nobody had read them: both sides of node look for what was put back.
      socket.pause()
      socket.unshift(bytes)
      if (bytes[0] === TLS_HANDSHAKE_RECORD) this.#begin(socket, deadline)
      else {
        clearTimeout(deadline)
        this.#serve(socket)
        socket.resume()
      }
    })
  }

  #begin(socket: Socket, deadline: NodeJS.Timeout): void {
    const stream = this.#tls.accept(socket, (secure) => {
      clearTimeout(deadline)
      this.#serve(secure)
    })
    if (stream === null) return void socket.destroy()
    stream.on('error', () => void stream.destroy())
    stream.once('close', () => socket.destroy())
  }
}
