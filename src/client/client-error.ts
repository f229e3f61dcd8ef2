// What can go wrong for a client of a TURN server, as errors whose `code` a caller can switch on. The message is one sentence that says what
// happened; text of the server's in it is shortened, and still to be escaped by whoever prints it.
import { reasonPhrase } from '../stun/reason-phrases.js'

/** Every code, and what it means. */
export const CLIENT_ERRORS = {
  'bad-uri': 'A text is no URI of a STUN or TURN server.',
  'no-such-host': 'The name of the server has no address.',
  'no-resolver': 'The DNS of this machine does not answer, so that nothing is known of the name.',
  'bad-local-address': 'The wanted local address is none of this machine.',
  'connection-refused': 'Nothing listens there: the server refused, by RST or ICMP.',
  unreachable: 'There is no way to the address from here, or a packet could not be sent.',
  'no-answer': 'Nothing came within the deadline.',
  'connection-closed': 'The server closed the connection.',
  'tls-failed': 'A TLS or DTLS handshake failed.',
  'bad-certificate': 'The certificate of the server is not to be trusted, and the caller tells it nothing.',
  'dtls-unavailable': 'This Node cannot do DTLS.',
  'stun-error': 'The server answered with an error: a StunError.',
  'no-credentials': 'The server asks for a user name and a password, and there are none.',
  'bad-credentials': 'The user name or password cannot be sent: too long, or with characters that RFC 8265 forbids.',
  'bad-answer': 'The server sent what a STUN or TURN server does not send.',
  'wrong-integrity': 'Answers came, and were not made with the key of the password.',
  'no-allocation': 'Something was asked of the client for which it needs an allocation, and it has none.',
  aborted: 'The caller has given up, or closed the client.',
} as const

export type ClientErrorCode = keyof typeof CLIENT_ERRORS

export class ClientError extends Error {
  readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ClientError'
    this.code = code
  }
}

export interface StunErrorFacts {
  /** Of the request, such as `Allocate`. */
  readonly method: string
  /** 300–699. */
  readonly number: number
  /** As the server sent it, shortened. */
  readonly reasonPhrase: string
  /** '' unless the answer has one. */
  readonly realm: string
  /** Where a 300 sends the client (ALTERNATE-SERVER), as text; '' unless the answer has one. */
  readonly alternateServer: string
  /** The name that goes with it (ALTERNATE-DOMAIN). */
  readonly alternateDomain: string
}

/** An answer with an ERROR-CODE (RFC 8489 §14.8). */
export class StunError extends ClientError {
  readonly method: string
  readonly number: number
  readonly reasonPhrase: string
  readonly realm: string
  readonly alternateServer: string
  readonly alternateDomain: string

  constructor(facts: StunErrorFacts) {
    const phrase = facts.reasonPhrase || reasonPhrase(facts.number)
    super('stun-error', `the server answers ${facts.method} with ${facts.number}${phrase === '' ? '' : ` (${phrase})`}`)
    this.name = 'StunError'
    this.method = facts.method
    this.number = facts.number
    this.reasonPhrase = facts.reasonPhrase
    this.realm = facts.realm
    this.alternateServer = facts.alternateServer
    this.alternateDomain = facts.alternateDomain
  }
}

/** An error of node's sockets or resolver as one of ours. @param where the transport and address, as in `TCP 192.0.2.1:3478` */
export function socketError(error: NodeJS.ErrnoException, where: string): ClientError {
  if (error instanceof ClientError) return error
  const { code = '' } = error
  const made = (ours: ClientErrorCode, sentence: string) => new ClientError(ours, sentence, { cause: error })
  switch (code) {
    case 'ECONNREFUSED':
      return made('connection-refused', `${where}: connection refused, nothing listens there`)
    case 'ENOTFOUND':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return made('no-such-host', `${where}: the name has no address (${code})`)
    case 'EAI_AGAIN':
      return made('no-resolver', `${where}: the DNS of this machine does not answer (${code})`)
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return made('bad-local-address', `${where}: the local address cannot be used (${code})`)
    case 'ETIMEDOUT':
      return made('no-answer', `${where}: no answer`)
    case 'ECONNRESET':
    case 'EPIPE':
      return made('connection-closed', `${where}: the connection was reset`)
  }
  return made('unreachable', `${where}: ${code === '' ? error.message : code}`)
}
