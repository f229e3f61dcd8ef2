// Connections of the fuzzer whose frames are judged both ways: over UDP, TCP, TLS and DTLS; over streams the bytes are cut at other places than
// the frames.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { testCertificate } from '../../support/certificate.js'
import type { ClientTransport } from '../../support/client-transport.js'
import { connectDtls } from '../../support/dtls-transport.js'
import type { SeededRandom } from '../../support/random.js'
import { connectTcp, connectTls, type StreamTransport } from '../../support/stream-client.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Judge } from './judge.js'
import { literal } from './peers.js'
import { HOST, type SocketsStage } from './stage.js'

export type Scheme = 'udp' | 'tcp' | 'tls' | 'dtls'
export const SCHEMES: readonly Scheme[] = ['udp', 'tcp', 'tls', 'dtls']

/** Beyond that, a byte at a time takes longer than it is worth. */
const SINGLE_BYTES_LENGTH_MAX = 2_000

/** One of the fuzzer's own addresses: a few connections each. */
export function sourceHost(random: SeededRandom): string {
  return `127.66.${random.nextInt(4)}.${1 + random.nextInt(250)}`
}

/** A connection that sees and says everything through `judge`. */
export async function connectJudged(
  stage: SocketsStage,
  judge: Judge,
  scheme: Scheme,
  random: SeededRandom,
): Promise<ClientTransport> {
  const from = sourceHost(random)
  const port = stage.server.port('', scheme)
  if (scheme === 'udp') return judgedFrames(await openUdp(port, from, judge), judge)
  if (scheme === 'dtls') {
    const transport = await connectDtls(HOST, port, from)
    stage.depth.add('dtlsHandshakes')
    return judgedFrames(transport, judge)
  }
  if (scheme === 'tcp') return judgedStream(await connectTcp(HOST, port, from), judge, random)
  const transport = await connectTls(HOST, port, testCertificate().cert, { from })
  stage.depth.add('tlsHandshakes')
  return judgedStream(transport, judge, random)
}

/** A socket that hears everybody, to find answers from elsewhere. */
async function openUdp(port: number, from: string, judge: Judge): Promise<ClientTransport> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024, lookup: literal })
  socket.on('error', () => {})
  // With this look-up, bind reports within the call.
  const bound = once(socket, 'listening')
  socket.bind({ address: from, exclusive: true })
  await bound
  let isClosed = false
  return {
    localAddress: addressOf(from, socket.address().port),
    send: (frame) => socket.send(frame, port, HOST),
    receive: (onFrame) => {
      socket.on('message', (frame, source) => {
        const isServer = source.address === HOST && source.port === port
        if (isServer) onFrame(frame)
        else judge.report(`${frame.length} bytes from ${source.address}:${source.port}, whom nobody asked`)
      })
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      socket.close()
      await once(socket, 'close')
    },
  }
}

function judgedFrames(transport: ClientTransport, judge: Judge): ClientTransport {
  return {
    ...transport,
    send: (frame) => {
      judge.transcript.add(frame)
      judge.sent(frame)
      transport.send(frame)
    },
    receive: (onFrame) => transport.receive((frame) => void (judge.received(frame) && onFrame(frame))),
  }
}

function judgedStream(transport: StreamTransport, judge: Judge, random: SeededRandom): StreamTransport {
  const cut = random.pick([wholeChunks, singleBytes, randomChunks])
  transport.socket.on('error', (error) => {
    if (error.message.startsWith('the server sent')) judge.report(error.message)
  })
  return {
    ...transport,
    send: (frame) => {
      const padded = padding(frame)
      judge.transcript.add(padded)
      judge.sent(frame)
      for (const chunk of cut(padded, random)) transport.sendBytes(chunk)
    },
    receive: (onFrame) => transport.receive((frame) => void (judge.received(frame) && onFrame(frame))),
  }
}

export function isOver(transport: ClientTransport): boolean {
  return 'socket' in transport && (transport as StreamTransport).socket.destroyed
}

/** ChannelData is padded to 4 over streams (RFC 8656 §12.5). */
function padding(frame: Uint8Array): Uint8Array {
  const isChannelData = frame.length > 0 && frame[0] >> 6 === 1
  return isChannelData && frame.length % 4 !== 0 ? Buffer.concat([frame, Buffer.alloc(4 - (frame.length % 4))]) : frame
}

export function wholeChunks(bytes: Uint8Array): Uint8Array[] {
  return [bytes]
}

export function singleBytes(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  if (bytes.length > SINGLE_BYTES_LENGTH_MAX) return randomChunks(bytes, random)
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}

export function randomChunks(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const lengthMax = random.pick([2, 7, 60]) + (bytes.length >> 5)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.nextInt(lengthMax)
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}
