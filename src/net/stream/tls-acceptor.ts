// TLS for clients, and for the admin plane: the certificate, the versions and the protocols that are offered (RFC 7443), and the handshake on a connection that was
// accepted as TCP. node:tls through Node's own OpenSSL.

import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { ENCRYPTED_BYTES_MAX } from '../../limits/streams.js'

/** What a certificate and its key are, as PEM texts. */
export interface TlsCertificate {
  readonly cert: string
  readonly key: string
}

export const ALPN_HTTP = 'http/1.1'
export const ALPN_STUN: readonly string[] = ['stun.turn', 'stun.nat-discovery']

export class TlsAcceptor {
  #ticketKeys: Buffer
  #certificate: TlsCertificate | null = null
  #protocols: readonly string[]
  #context: SecureContext | null = null
  /** Those that are open, whoever has them by now. */
  readonly #streams = new Set<TLSSocket>()

  /** @param protocols that are offered by ALPN */
  constructor(ticketKeys: Uint8Array, protocols: readonly string[]) {
    this.#ticketKeys = Buffer.from(ticketKeys)
    this.#protocols = protocols
  }

  /** Of handshakes from now on. */
  setProtocols(protocols: readonly string[]): void {
    this.#protocols = protocols
  }

  /** For handshakes from now on; connections that exist are not touched. Throws, and keeps the old one, if OpenSSL refuses it. */
  setCertificate(certificate: TlsCertificate): void {
    const { cert, key } = certificate
    this.#context = createSecureContext({
      cert,
      key,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      // For TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, which RFC 8489 §6.2.3 wants to be there: node offers no DHE without.
      dhparam: 'auto',
      // Of no use here, and costly for the server alone.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ticketKeys: this.#ticketKeys,
    })
    this.#certificate = certificate
  }

  /** Tickets of older keys mean a whole handshake from now on. @param ticketKeys 48 bytes, the same ones in all workers */
  setTicketKeys(ticketKeys: Uint8Array): void {
    this.#ticketKeys = Buffer.from(ticketKeys)
    if (this.#certificate !== null) this.setCertificate(this.#certificate)
  }

  /**
   * Begins the handshake; bytes that were put back into `socket` are part of it. null: there is no certificate. A client whose ALPN
   * list shares nothing with ours gets the alert no_application_protocol (RFC 7301 §3.2): it said that it speaks something else.
   */
  accept(socket: Socket, onSecure: (stream: TLSSocket) => void): TLSSocket | null {
    if (this.#context === null) return null
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: [...this.#protocols],
    })
    stream.once('secure', () => onSecure(stream))
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    return stream
  }

  /**
   * Destroys the streams for which OpenSSL has written what nobody takes, and returns how many: each request to renew the keys is answered by
   * a record (RFC 8446 §4.6.3), and a client that goes on asking and does not read would have all of them kept.
   */
  destroyStalled(): number {
    let count = 0
    for (const stream of this.#streams) {
      if (encryptedBytesOf(stream) <= ENCRYPTED_BYTES_MAX) continue
      stream.destroy()
      count++
    }
    return count
  }
}

/** Bytes that are encrypted and not yet the kernel's. Node keeps their number in a field that it does not document; without it there is none. */
function encryptedBytesOf(stream: TLSSocket): number {
  const { _handle } = stream as unknown as { readonly _handle: { readonly writeQueueSize?: number } | null }
  return _handle?.writeQueueSize ?? 0
}
