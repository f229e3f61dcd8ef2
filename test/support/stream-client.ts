// Clients over TCP and TLS for the tests: frames out, ChannelData padded to 4 (RFC 8656 §12.5), and frames cut from what comes back.
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTlsSocket, type TLSSocket } from 'node:tls'
import { FrameAssembler } from '../../src/stun/framing.js'
import { ByteStream } from './byte-stream.js'
import type { ClientTransport } from './client-transport.js'
import { addressOf } from './udp-peer.js'

/** The first two bytes of the answer behind which a connection has no more frames (RFC 6062 §4.5). */
const CONNECTION_BIND_SUCCESS = 0x010b
/** Any frame that a server may send. */
const FRAME_LENGTH_MAX = 65_535 + 20

export interface StreamTransport extends ClientTransport {
  readonly socket: Socket
  /** What comes once a ConnectionBind has succeeded. */
  readonly data: ByteStream
  /** Bytes as they are. */
  sendBytes(bytes: Uint8Array): void
}

/** @param from the local IP address, if it matters */
export async function connectTcp(host: string, port: number, from?: string): Promise<StreamTransport> {
  const socket = connectSocket({ host, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) })
  await once(socket, 'connect')
  return streamTransport(socket)
}

/** @param ca the certificate (PEM) that the server must show, or the one that has signed it */
export async function connectTls(
  host: string,
  port: number,
  ca: string,
  {
    from,
    alpn = ['stun.turn'],
    servername = 'turn.test',
  }: { from?: string; alpn?: string[]; servername?: string } = {},
): Promise<StreamTransport & { readonly socket: TLSSocket }> {
  const local = from === undefined ? {} : { localAddress: from }
  const socket = connectTlsSocket({ host, port, ca, servername, ALPNProtocols: alpn, ...local })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  return { ...streamTransport(socket), socket }
}

export function streamTransport(socket: Socket): StreamTransport {
  const { localAddress = '', localPort = 0 } = socket
  // A server that has gone resets; whoever waits for an answer gets its deadline.
  socket.on('error', () => {})
  const data = new ByteStream(socket, true)
  return {
    socket,
    data,
    localAddress: addressOf(localAddress, localPort),
    sendBytes: (bytes) => void socket.write(bytes),
    send: (frame) => {
      socket.write(frame)
      if (frame[0] >> 6 === 1 && frame.length % 4 !== 0) socket.write(Buffer.alloc(4 - (frame.length % 4)))
    },
    receive: (onFrame) => {
      const assembler = new FrameAssembler(FRAME_LENGTH_MAX)
      let isBound = false
      const take = (bytes: Uint8Array, start: number, end: number) => {
        const frame = Buffer.from(bytes.slice(start, end))
        isBound = frame.readUInt16BE() === CONNECTION_BIND_SUCCESS
        if (isBound) assembler.stop()
        onFrame(frame)
      }
      socket.on('data', (chunk: Buffer) => {
        if (isBound) {
          data.put(chunk)
          return
        }
        const result = assembler.push(chunk, take)
        if (result !== 0) socket.destroy(new Error(`the server sent what is no frame (${result})`))
        // Each direction ends for itself from now on.
        if (isBound) socket.allowHalfOpen = true
        data.put(assembler.takeRest())
      })
    },
    close: async () => {
      if (socket.destroyed) return
      const closed = once(socket, 'close')
      socket.destroy()
      await closed
    },
  }
}
