// TLS over TCP. The handshake is done whatever certificate the server shows, so that what is wrong with it can be told.
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { subjectAltNames } from '../auth/certificate-names.js'
import { hostAddress } from '../stun/address.js'
import { ClientError, socketError } from './client-error.js'
import { alpnOf, certificateProblems, type PeerSecurity } from './peer-security.js'
import { connectTcp, eventOf, StreamTransport } from './stream-transport.js'
import type { ClientTransport, OpenRequest } from './transport.js'

export async function openTls(request: OpenRequest): Promise<ClientTransport> {
  const socket = await handshake(request)
  return new StreamTransport('tls', socket, request, securityOf(socket, request))
}

async function handshake(request: OpenRequest): Promise<TLSSocket> {
  const { ca, deadline, serverName, where } = request
  const tcp = await connectTcp(request)
  const alpn = alpnOf(request)
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

function securityOf(socket: TLSSocket, { serverName }: OpenRequest): PeerSecurity {
  const certificate = socket.getPeerX509Certificate() ?? null
  // Node's types have an Error here, and node the text of its code.
  const chainError = socket.authorized ? '' : String(socket.authorizationError ?? '')
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.name ?? '',
    alpn: socket.alpnProtocol || '',
    serverName,
    certificate,
    names: subjectAltNames(certificate?.subjectAltName),
    problems: certificateProblems(certificate, serverName, chainError, Date.now()),
  }
}
