// A connection on which anything goes: bytes as they are, cut anywhere, and whatever comes back judged by what it is: frames, TLS records, HTTP.
// The fuzzer ends its direction, and the server has to end the connection.
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameAssembler } from '../../../src/stun/framing.js'
import { testCertificate } from '../../support/certificate.js'
import type { SeededRandom } from '../../support/random.js'
import type { Judge } from './judge.js'
import { HOST, type SocketsStage } from './stage.js'

/** For a server that need not close what says no more; it is let go then. */
const CLOSE_MILLISECONDS_MAX = 1_500
const FRAME_LENGTH_MAX = 65_535
const TLS_TYPES = [20, 21, 22, 23]
const TLS_RECORD_LENGTH_MAX = 16_384 + 256

export interface RawStreamOptions {
  readonly scheme: 'tcp' | 'tls'
  readonly from: string
  /** Inside TLS, with this ALPN; null: the bytes are what the port gets. */
  readonly alpn: string | null
  readonly cut: (bytes: Uint8Array, random: SeededRandom) => Uint8Array[]
  readonly random: SeededRandom
  /** Bytes of `input` before the first frame: a PROXY header. */
  readonly frameStart?: number
}

/** Sends it all, and returns everything that came back. */
export async function sendRaw(
  stage: SocketsStage,
  judge: Judge,
  input: Uint8Array,
  options: RawStreamOptions,
): Promise<Buffer> {
  judge.transcript.add(input)
  noteFrames(judge, input.subarray(options.frameStart ?? 0))
  const socket = await open(stage, options)
  if (socket === null) return Buffer.alloc(0)
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  for (const chunk of options.cut(input, options.random)) {
    if (socket.destroyed) break
    socket.write(chunk)
    // Now and then the server reads what there is before more comes.
    if (options.random.oneIn(8)) await new Promise((resolve) => setImmediate(resolve))
  }
  socket.end()
  const timer = setTimeout(() => socket.destroy(), CLOSE_MILLISECONDS_MAX)
  await closed
  clearTimeout(timer)
  const output = Buffer.concat(received)
  judgeOutput(stage, judge, output)
  return output
}

/** The frames that a server may find in it, so that it may answer them. */
export function noteFrames(judge: Judge, input: Uint8Array): void {
  new FrameAssembler(FRAME_LENGTH_MAX).push(input, (bytes, start, end) => judge.sent(bytes.subarray(start, end)))
}

function judgeOutput(stage: SocketsStage, judge: Judge, output: Buffer): void {
  if (output.length === 0) return
  if (output.toString('latin1', 0, 7) === 'HTTP/1.') {
    stage.depth.add('http')
    if (!/^HTTP\/1\.[01] [1-5][0-9]{2} /.test(output.toString('latin1', 0, 64)))
      judge.report('a status line that is none')
  } else if (TLS_TYPES.includes(output[0])) judgeRecords(judge, output)
  else judgeFrames(judge, output)
}

function judgeFrames(judge: Judge, output: Buffer): void {
  const result = new FrameAssembler(FRAME_LENGTH_MAX).push(output, (bytes, start, end) => {
    judge.received(bytes.subarray(start, end))
  })
  if (result !== 0) judge.report(`no frames came back (${result}): ${output.toString('hex').slice(0, 400)}`)
}

/** Whole records of TLS, but for the last one. */
function judgeRecords(judge: Judge, output: Buffer): void {
  for (let at = 0; at + 5 <= output.length; at += 5 + output.readUInt16BE(at + 3)) {
    const isRecord =
      TLS_TYPES.includes(output[at]) && output[at + 1] === 3 && output.readUInt16BE(at + 3) <= TLS_RECORD_LENGTH_MAX
    if (isRecord) continue
    judge.report(`no record of TLS came back: ${output.toString('hex', at, at + 100)}`)
    return
  }
}

async function open(stage: SocketsStage, { alpn, from, scheme }: RawStreamOptions): Promise<Socket | null> {
  const port = stage.server.port('', scheme)
  if (alpn === null) return ready(connectSocket({ host: HOST, port, localAddress: from, noDelay: true }), 'connect')
  const ca = testCertificate().cert
  const local = { localAddress: from }
  const secured = connectTls({ host: HOST, port, ca, servername: 'turn.test', ALPNProtocols: [alpn], ...local })
  const socket = await ready(secured, 'secureConnect')
  if (socket !== null) stage.depth.add('tlsHandshakes')
  return socket
}

async function ready(socket: Socket, event: string): Promise<Socket | null> {
  socket.on('error', () => {})
  await Promise.race([once(socket, event), new Promise((resolve) => socket.once('close', resolve))]).catch(() => {})
  return socket.destroyed ? null : socket
}
