// How a TURN client of the tests reaches the server: one frame (a STUN message or ChannelData) at a time. UDP here; the
// transports over streams frame and pad in their own implementations.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TransportAddress } from '../../src/stun/address.js'
import { addressOf } from './udp-peer.js'

export interface ClientTransport {
  /** What the server sees as the client's transport address, unless there is a NAT. */
  readonly localAddress: TransportAddress
  send(frame: Uint8Array): void
  /** Frames go to this function from now on; each has memory of its own. */
  receive(onFrame: (frame: Buffer) => void): void
  close(): Promise<void>
}

/**
 * A connected UDP socket: only the server's datagrams arrive, and the kernel knows the local address.
 * @param from the local IP address, if it matters
 */
export async function connectUdp(host: string, port: number, from?: string): Promise<ClientTransport> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
  if (from !== undefined) {
    socket.bind({ address: from, exclusive: true })
    await once(socket, 'listening')
  }
  socket.connect(port, host)
  await once(socket, 'connect')
  const local = socket.address()
  let isClosed = false
  // A server that has gone answers with ICMP; whoever waits for an answer gets its deadline.
  socket.on('error', () => {})
  return {
    localAddress: addressOf(local.address, local.port),
    send: (frame) => socket.send(frame),
    receive: (onFrame) => void socket.on('message', onFrame),
    close: async () => {
      if (isClosed) return
      isClosed = true
      socket.close()
      await once(socket, 'close')
    },
  }
}
