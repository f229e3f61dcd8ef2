// One bound node:dgram socket, set up for speed: the destination is always an IP literal, so the name look-up that node makes
// for every send is answered at once.
import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void

function lookupIPv4(host: string, _options: unknown, callback: LookupCallback): void {
  callback(null, host, 4)
}

function lookupIPv6(host: string, _options: unknown, callback: LookupCallback): void {
  callback(null, host, 6)
}

/** Where sockets come from, and what lets a call end before the next begins; the simulator has its own. */
export interface DgramSystem {
  createSocket(options: SocketOptions): Socket
  defer(run: () => void): void
}

export const NODE_DGRAM: DgramSystem = { createSocket, defer: setImmediate }

/**
 * Creates a socket and binds it; exactly one of the callbacks is called, never synchronously. `address.port` 0 is an ephemeral
 * port. The caller closes the socket, after a failure too.
 * @param bufferBytes wanted size of the kernel's buffers; the kernel may grant less (net.core.rmem_max)
 */
export function bindUdpSocket(
  address: TransportAddress,
  bufferBytes: number,
  onBound: (socket: Socket) => void,
  onFailed: (error: NodeJS.ErrnoException) => void,
  system = NODE_DGRAM,
): Socket {
  const isIPv6 = address.family === FAMILY_IPV6
  const socket = system.createSocket({
    type: isIPv6 ? 'udp6' : 'udp4',
    ipv6Only: isIPv6,
    lookup: (isIPv6 ? lookupIPv6 : lookupIPv4) as never,
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
  })
  // With the look-up above, bind reports within the call; the callers want it later.
  socket.once('error', (error) => {
    system.defer(() => onFailed(error))
  })
  socket.once('listening', () => {
    system.defer(() => {
      socket.removeAllListeners('error')
      onBound(socket)
    })
  })
  socket.bind({ port: address.port, address: address.host, exclusive: true })
  return socket
}
