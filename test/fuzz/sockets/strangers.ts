// Conversations of those who have no credentials: datagrams, streams, HTTP, and headers of a proxy, all mutated. They get little, and no data.
import { decodeProxyHeader, ProxyHeader } from '../../../src/net/stream/proxy-protocol.js'
import { MAGIC_COOKIE } from '../../../src/stun/constants.js'
import type { SeededRandom } from '../../support/random.js'
import { type CorpusKind, corpusOf } from '../corpus.js'
import { makeHostile } from '../mutate.js'
import { loadCorpus } from '../samples.js'
import { connectJudged, randomChunks, singleBytes, sourceHost, wholeChunks } from './connections.js'
import { type RawStreamOptions, sendRaw } from './raw-stream.js'
import type { SocketsStage } from './stage.js'
import { Transcript } from './transcript.js'

const DATAGRAMS_PER_CONVERSATION = 30
const FRAMES_PER_STREAM_MAX = 4
/** Long enough for what the last datagram caused to have come. */
const ANSWER_MILLISECONDS_MAX = 2_000
const CUTS = [wholeChunks, singleBytes, randomChunks]

const bytesOf = (kind: CorpusKind) => corpusOf(kind).map(({ bytes }) => bytes)

/** Mutated messages in datagrams, to the listener for UDP or inside DTLS. */
export async function hostileDatagrams(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const inputs = Array.from({ length: DATAGRAMS_PER_CONVERSATION }, () => hostileMessage(random))
  await sendDatagrams(stage, random, random.oneIn(4) ? 'dtls' : 'udp', inputs)
}

export async function sendDatagrams(
  stage: SocketsStage,
  random: SeededRandom,
  scheme: 'udp' | 'dtls',
  inputs: readonly Uint8Array[],
): Promise<void> {
  const transcript = new Transcript('stun', `a stranger’s datagrams over ${scheme}`, true)
  const judge = stage.judge(transcript, { isStranger: true, isDatagrams: scheme === 'udp' })
  const transport = await connectJudged(stage, judge, scheme, random)
  const last = binding(random)
  const answered = new Promise<void>((resolve) => {
    transport.receive((frame) => {
      if (frame.subarray(8, 20).equals(last.subarray(8, 20))) resolve()
    })
  })
  for (const input of inputs) transport.send(input)
  // The answer to the last one comes after all others of this connection.
  transport.send(last)
  await withinMilliseconds(answered, ANSWER_MILLISECONDS_MAX)
  await transport.close()
}

/** Frames in a stream, mutated or cut short, on each port that takes streams. */
export async function hostileStream(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const count = 1 + random.nextInt(FRAMES_PER_STREAM_MAX)
  const frames = Array.from({ length: count }, () =>
    random.pick([hostileMessage(random), binding(random), random.pick(bytesOf('stream'))]),
  )
  const input = Buffer.concat(frames)
  await sendStream(stage, random, random.oneIn(4) ? mutatedBytes(random, input) : input, 'a stranger’s stream')
}

export async function sendStream(
  stage: SocketsStage,
  random: SeededRandom,
  input: Uint8Array,
  about: string,
  kind: CorpusKind = 'stream',
): Promise<void> {
  const options = streamOptions(random)
  const way = options.alpn === null ? options.scheme : `${options.alpn} inside TLS`
  const transcript = new Transcript(kind, `${about}, over ${way}`, false)
  const judge = stage.judge(transcript, { isStranger: true, isDatagrams: false })
  await sendRaw(stage, judge, input, options)
}

export async function hostileHttp(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const pieces = Array.from({ length: 1 + random.nextInt(2) }, () => random.pick(bytesOf('http')))
  const input = Buffer.concat(pieces)
  await sendHttp(stage, random, random.oneIn(5) ? input : mutatedText(random, input))
}

export async function sendHttp(stage: SocketsStage, random: SeededRandom, input: Uint8Array): Promise<void> {
  const alpn = random.oneIn(2) ? 'http/1.1' : null
  const transcript = new Transcript('http', `HTTP ${alpn === null ? 'in the clear' : 'inside TLS'}`, false)
  const judge = stage.judge(transcript, { isStranger: true, isDatagrams: false })
  const cut = random.pick(CUTS)
  await sendRaw(stage, judge, input, { scheme: 'tls', from: sourceHost(random), alpn, cut, random })
}

export async function hostileProxyHeader(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const header = random.pick(bytesOf('proxy'))
  const request = binding(random)
  const isMutated = random.oneIn(2)
  const head = isMutated ? mutatedBytes(random, header) : header
  await sendProxied(stage, random, Buffer.concat([head, request]))
}

/** From an address whose headers are believed; the server must take the same client for it as our decoder does. */
export async function sendProxied(stage: SocketsStage, random: SeededRandom, input: Uint8Array): Promise<void> {
  const header = new ProxyHeader()
  const length = decodeProxyHeader(input, 0, input.length, header)
  const scheme = random.pick(['tcp', 'tls'] as const)
  const judge = stage.judge(new Transcript('proxy', `a PROXY header, over ${scheme}`, false), {
    isStranger: true,
    isDatagrams: false,
  })
  const from = `127.77.0.${1 + random.nextInt(250)}`
  const frameStart = Math.max(length, 0)
  const output = await sendRaw(stage, judge, input, {
    scheme,
    from,
    alpn: null,
    cut: random.pick(CUTS),
    random,
    frameStart,
  })
  if (length <= 0) {
    if (output.length > 0) judge.report(`${output.length} bytes came back for a header that is none`)
    return
  }
  stage.depth.add('proxied')
  if (header.isLocal || judge.lastMapped === '' || header.source.family !== 4) return
  const { port, word0 } = header.source
  const told = Buffer.alloc(8)
  told.writeUInt16BE(1)
  told.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2)
  told.writeInt32BE(word0 ^ MAGIC_COOKIE, 4)
  if (told.toString('hex') !== judge.lastMapped)
    judge.report(`the client is ${header.source}, and was told ${judge.lastMapped}`)
}

function streamOptions(random: SeededRandom): RawStreamOptions {
  const [scheme, alpn] = random.pick([
    ['tcp', null],
    ['tls', null],
    ['tls', 'stun.turn'],
    ['tls', 'http/1.1'],
  ] as const)
  return { scheme, alpn, from: sourceHost(random), cut: random.pick(CUTS), random }
}

function hostileMessage(random: SeededRandom): Uint8Array {
  const message = makeHostile(random, loadCorpus())
  // Most have a transaction id of their own, so that answers can be told apart.
  if (message.length >= 20 && !random.oneIn(8)) message.set(random.nextBytes(12), 8)
  return message
}

export function binding(random: SeededRandom): Buffer {
  const message = Buffer.alloc(20)
  message.writeUInt16BE(1)
  message.writeUInt32BE(MAGIC_COOKIE, 4)
  message.set(random.nextBytes(12), 8)
  return message
}

function mutatedBytes(random: SeededRandom, input: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(input)
  for (let count = 1 + random.nextInt(3); count > 0 && bytes.length > 0; count--) {
    const at = random.nextInt(bytes.length)
    bytes[at] = random.oneIn(2) ? random.nextInt(256) : bytes[at] ^ (1 << random.nextInt(8))
  }
  return random.oneIn(4) ? bytes.subarray(0, random.nextInt(bytes.length + 1)) : bytes
}

const TEXT_TOKENS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  ':',
  '\0',
  ',',
  ';',
  '0',
  '-1',
  'ffffffffffffffff',
  'chunked',
  'HTTP/1.1',
  'HTTP/9.9',
]
  .concat([
    'Host: b\r\n',
    'Content-Length: 7\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'X: y\r\n',
    'é',
    '%00',
    '//',
    '..',
  ])
  .concat(['GET ', 'a'.repeat(300)])
  .map((token) => Buffer.from(token))

function mutatedText(random: SeededRandom, input: Uint8Array): Uint8Array {
  let text = Buffer.from(input)
  for (let count = 1 + random.nextInt(3); count > 0; count--) {
    const at = random.nextInt(text.length + 1)
    const removed = random.oneIn(2) ? 0 : random.nextInt(6)
    text = Buffer.concat([text.subarray(0, at), random.pick(TEXT_TOKENS), text.subarray(at + removed)])
  }
  return text
}

export async function withinMilliseconds(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, over])
  clearTimeout(timer)
}
