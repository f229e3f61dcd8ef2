// TLS over TCP. The handshake is done whatever certificate the server shows, so that what is wrong with it can be told.
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { subjectAltNames } from '../auth/certificate-names.js'
import { hostAddress } from '../stun/address.js'
import { ClientError, socketError } from './client-error.js'
import { alpnOf, certificateProblems, type PeerSecurity } from './peer-security.js'
import { connectTcp, eventOf, StreamTransport } from './stream-transport.js'
import type { ClientTransport, OpenRequest } from './transport.js'

export async function openTls(request: OpenRequest): Promise<ClientTransport> {
  const alpn = alpnOf(request)
  try {
    return await openOffering(alpn, request)
  } catch (error) {
    if (alpn.length === 0 || !isAlpnRefusal(error)) throw error
    // Browsers offer none: what refuses ours may serve them.
    return openOffering([], request)
  }
}

async function openOffering(alpn: readonly string[], request: OpenRequest): Promise<ClientTransport> {
  const socket = await handshake(alpn, request)
  return new StreamTransport('tls', socket, request, securityOf(socket, alpn, request))
}

async function handshake(alpn: readonly string[], request: OpenRequest): Promise<TLSSocket> {
  const { ca, deadline, serverName, where } = request
  const tcp = await connectTcp(request)
  const socket = connectTls({
    socket: tcp,
    rejectUnauthorized: false,
    // Names are compared in certificateProblems, beside what else is wrong.
    checkServerIdentity: () => undefined,
    ...(hostAddress(serverName) === null ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  })
  try {
    await deadline.race(eventOf(socket, 'secureConnect'), `${where}: no TLS handshake`)
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw tlsError(error as Error, where)
  }
}

function tlsError(error: NodeJS.ErrnoException, where: string): ClientError {
  // TCP was connected.
  if (error instanceof ClientError && error.code === 'no-answer')
    return new ClientError('tls-failed', `${where}: it takes connections, and answers no TLS`, { cause: error })
  if (error instanceof ClientError) return error
  const { code = '', message } = error
  // A connection that is reset, or closed, in place of a handshake is no TLS either.
  if (code.startsWith('E') && !code.startsWith('ERR_') && !['ECONNRESET', 'EPIPE', 'EPROTO'].includes(code)) {
    return socketError(error, where)
  }
  const reason = code.startsWith('ERR_SSL_')
    ? code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ')
    : message
  return new ClientError('tls-failed', `${where}: the TLS handshake failed (${reason})`, { cause: error })
}

/** A web server knows protocols, and not TURN's (RFC 7301 §3.2). */
function isAlpnRefusal(error: unknown): boolean {
  const cause = error instanceof ClientError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code?.endsWith('_ALERT_NO_APPLICATION_PROTOCOL') ?? false
}

function securityOf(socket: TLSSocket, offered: readonly string[], request: OpenRequest): PeerSecurity {
  const { serverName } = request
  const certificate = socket.getPeerX509Certificate() ?? null
  // Node's types have an Error here, and node the text of its code.
  const chainError = socket.authorized ? '' : String(socket.authorizationError ?? '')
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.name ?? '',
    alpn: socket.alpnProtocol || '',
    isAlpnRefused: offered.length < alpnOf(request).length,
    serverName,
    certificate,
    names: subjectAltNames(certificate?.subjectAltName),
    problems: certificateProblems(certificate, serverName, chainError, Date.now()),
  }
}
