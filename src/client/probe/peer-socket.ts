// A UDP socket of this machine as the peer of an allocation. Its address, as the relay sees it, is what the server answers to a Binding from it; where
// nobody answers over UDP, that from which this machine would send to the relay.
import { createSocket, type Socket } from 'node:dgram'
import { CLIENT_RETRANSMIT_MILLISECONDS, PROBE_PATH_MILLISECONDS_MAX } from '../../limits/clients.js'
import { formatHost, hostAddress, TransportAddress } from '../../stun/address.js'
import { CLASS_REQUEST, CLASS_SUCCESS, METHOD_BINDING } from '../../stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../stun/message.js'
import { MessageWriter } from '../../stun/writer.js'
import { mappedAddressOf } from '../answers.js'
import { ClientError, socketError } from '../client-error.js'
import { newTransactionId } from '../transactions.js'
import { DEFAULT_PORTS } from '../turn-uri.js'

export interface PeerSocket {
  /** As the relay sees it. */
  readonly address: TransportAddress
  onPacket: (packet: Uint8Array) => void
  send(to: TransportAddress, packet: Uint8Array): boolean
  close(): Promise<void>
}

/** @param server where TURN answers, over whatever transport; null if there is no NAT on the way to it. @param relayed whose peer it will be */
export async function openPeerSocket(
  server: TransportAddress | null,
  relayed: TransportAddress,
  signal?: AbortSignal,
): Promise<PeerSocket> {
  const socket = createSocket({ type: relayed.family === 6 ? 'udp6' : 'udp4' })
  // What cannot be sent is lost.
  socket.on('error', () => {})
  try {
    await bind(socket)
    const own = { address: new TransportAddress(), onPacket: (_packet: Uint8Array) => {} }
    const address = (await mappedAddress(socket, server, relayed, signal)) ?? (await localAddress(socket, relayed))
    own.address = address
    socket.on('message', (datagram) => peer.onPacket(datagram))
    const peer: PeerSocket = {
      ...own,
      send: (to, packet) => {
        socket.send(Buffer.from(packet), to.port, formatHost(to), () => {})
        return true
      },
      close: () => new Promise((resolve) => socket.close(() => resolve())),
    }
    return peer
  } catch (error) {
    socket.close()
    throw error instanceof ClientError ? error : socketError(error as Error, 'UDP')
  }
}

function bind(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port: 0, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

/** What a Binding from this socket is answered, at the server's own port and at the port of TURN over UDP; null if nothing comes. */
async function mappedAddress(
  socket: Socket,
  server: TransportAddress | null,
  relayed: TransportAddress,
  signal?: AbortSignal,
): Promise<TransportAddress | null> {
  if (server === null || server.family !== relayed.family) return null
  const request = new Uint8Array(20)
  new MessageWriter().begin(request, 0, CLASS_REQUEST, METHOD_BINDING, newTransactionId(), 0)
  const send = () => {
    for (const port of new Set([server.port, DEFAULT_PORTS.turn]))
      socket.send(request, port, formatHost(server), () => {})
  }
  const timer = setInterval(send, CLIENT_RETRANSMIT_MILLISECONDS)
  send()
  try {
    return await new Promise<TransportAddress | null>((resolve) => {
      const late = setTimeout(() => resolve(null), PROBE_PATH_MILLISECONDS_MAX)
      const finish = (address: TransportAddress | null) => {
        clearTimeout(late)
        resolve(address)
      }
      socket.on('message', (datagram) => {
        const address = mappedIn(datagram, request)
        if (address !== null) finish(address)
      })
      signal?.addEventListener('abort', () => finish(null), { once: true })
    })
  } finally {
    clearInterval(timer)
    socket.removeAllListeners('message')
  }
}

function mappedIn(datagram: Buffer, request: Uint8Array): TransportAddress | null {
  const answer = new MessageView()
  if (decodeMessage(answer, datagram, 0, datagram.length) !== DECODE_OK) return null
  const isOurs = datagram.subarray(8, 20).equals(request.subarray(8, 20))
  if (!isOurs || answer.messageClass !== CLASS_SUCCESS || answer.method !== METHOD_BINDING) return null
  try {
    return mappedAddressOf(answer)
  } catch {
    return null
  }
}

/** The socket's port at the address from which this machine sends to that one. */
function localAddress(socket: Socket, to: TransportAddress): Promise<TransportAddress> {
  return new Promise((resolve, reject) => {
    const other = createSocket(to.family === 6 ? 'udp6' : 'udp4')
    const done = (error?: Error) => {
      const address = error ? null : hostAddress(other.address().address, socket.address().port)
      other.close()
      if (address === null) reject(error ?? new ClientError('unreachable', `no way to ${to}`))
      else resolve(address)
    }
    other.once('error', done)
    other.connect(to.port, formatHost(to), done as () => void)
  })
}
