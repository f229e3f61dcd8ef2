// Clients over DTLS for the tests: OpenSSL in memory behind a UDP socket. A frame is a record; only where koffi is.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { OpensslClient, type OpensslClientOptions } from '../net/dtls/openssl-client.js'
import type { ClientTransport } from './client-transport.js'
import { withDeadline } from './deadline.js'
import { addressOf } from './udp-peer.js'

const HANDSHAKE_MILLISECONDS_MAX = 5_000
/** How often it is asked whether a flight is to be sent again. */
const RETRANSMIT_INTERVAL_MILLISECONDS = 100

/** @param from the local IP address, if it matters */
export async function connectDtls(
  host: string,
  port: number,
  from?: string,
  options: OpensslClientOptions = {},
): Promise<ClientTransport> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
  if (from !== undefined) {
    socket.bind({ address: from, exclusive: true })
    await once(socket, 'listening')
  }
  socket.connect(port, host)
  await once(socket, 'connect')
  const local = socket.address()
  // A server that has gone answers with ICMP; whoever waits for an answer gets its deadline.
  socket.on('error', () => {})
  const client = new OpensslClient(options)
  const early: Buffer[] = []
  let deliver = (frame: Buffer): void => void early.push(frame)
  let isClosed = false
  const sendAll = (datagrams: readonly Buffer[]) => {
    for (const datagram of datagrams) if (!isClosed) socket.send(datagram)
  }
  const established = new Promise<void>((resolve) => {
    socket.on('message', (datagram) => {
      if (isClosed) return
      const frames = client.receive(datagram)
      if (!client.isEstablished) sendAll(client.advance())
      if (client.isEstablished) resolve()
      for (const frame of frames) deliver(frame)
    })
  })
  const timer = setInterval(() => sendAll(client.retransmit()), RETRANSMIT_INTERVAL_MILLISECONDS)
  const close = async () => {
    if (isClosed) return
    sendAll(client.shutdown())
    isClosed = true
    clearInterval(timer)
    client.free()
    socket.close()
    await once(socket, 'close')
  }
  sendAll(client.advance())
  try {
    await withDeadline(established, HANDSHAKE_MILLISECONDS_MAX, () => 'no DTLS handshake')
  } catch (error) {
    await close()
    throw error
  }
  clearInterval(timer)
  return {
    localAddress: addressOf(local.address, local.port),
    send: (frame) => sendAll(client.write(frame)),
    receive: (onFrame) => {
      deliver = onFrame
      for (const frame of early.splice(0)) onFrame(frame)
    },
    close,
  }
}
