// Handshakes of TLS and DTLS whose records are changed on the way, before, during and after: the bytes of the captured ClientHellos of the corpus,
// and real clients behind a wire that mutates. Keys are fresh each time; what is changed, and where, is the seed’s.
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { testCertificate } from '../../support/certificate.js'
import type { ClientTransport } from '../../support/client-transport.js'
import { connectUdp } from '../../support/client-transport.js'
import { OpensslClient } from '../../support/openssl-client.js'
import type { SeededRandom } from '../../support/random.js'
import { corpusOf } from '../corpus.js'
import { makeHostile } from '../mutate.js'
import { sourceHost } from './connections.js'
import type { Judge } from './judge.js'
import { HOST, type SocketsStage } from './stage.js'
import { binding, sendStream, withinMilliseconds } from './strangers.js'
import { Transcript } from './transcript.js'

const CLOSE_MILLISECONDS_MAX = 1_500
/** For the server’s next flight; after that the client sends its own again. */
const FLIGHT_MILLISECONDS_MAX = 250
const FLIGHT_COUNT_MAX = 10
const RAW_DATAGRAMS = 12
const DTLS_TYPE_MIN = 20
const DTLS_TYPE_MAX = 25
const RECORD_HEADER_LENGTH = 13

const tlsRecords = () => corpusOf('tls').map(({ bytes }) => bytes)
const dtlsRecords = () => corpusOf('dtls').map(({ bytes }) => bytes)

/** A captured ClientHello, changed. */
export async function hostileTlsRecords(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const record = Uint8Array.from(random.pick(tlsRecords()))
  for (let count = random.nextInt(4); count > 0; count--) record[random.nextInt(record.length)] = random.nextInt(256)
  const input = random.oneIn(3) ? record.subarray(0, random.nextInt(record.length + 1)) : record
  await sendStream(
    stage,
    random,
    random.oneIn(4) ? Buffer.concat([input, random.pick(tlsRecords())]) : input,
    'records of TLS',
    'tls',
  )
}

/** A real client of TLS on a wire that changes its bytes. */
export async function hostileTlsWire(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const judge = stage.judge(new Transcript('tls', 'a client of TLS on a bad wire', false), {
    isStranger: true,
    isDatagrams: false,
  })
  const socket = connectSocket({
    host: HOST,
    port: stage.server.port('', 'tls'),
    localAddress: sourceHost(random),
    noDelay: true,
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await Promise.race([once(socket, 'connect').catch(() => {}), closed])
  const wire = new BadWire(socket, judge.transcript, random)
  const ALPNProtocols = [random.pick(['stun.turn', 'http/1.1', 'h2', 'stun.nat-discovery'])]
  const client = connectTls({ socket: wire, ca: testCertificate().cert, servername: 'turn.test', ALPNProtocols })
  client.on('error', () => wire.finish())
  client.once('secureConnect', () => {
    stage.depth.add('tlsHandshakes')
    for (let count = 4; count > 0; count--) client.write(binding(random))
    client.end()
  })
  await withinMilliseconds(closed, CLOSE_MILLISECONDS_MAX)
  client.destroy()
  socket.destroy()
  await closed
}

/** Between a client of TLS and a socket: a few of the written chunks are changed. After such a one nothing good will come, so it ends. */
class BadWire extends Duplex {
  readonly #socket: Socket
  readonly #transcript: Transcript
  readonly #random: SeededRandom

  constructor(socket: Socket, transcript: Transcript, random: SeededRandom) {
    super()
    this.#socket = socket
    this.#transcript = transcript
    this.#random = random
    socket.on('data', (chunk) => this.push(chunk))
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
  }

  finish(): void {
    this.#socket.end()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const bytes = Buffer.from(chunk)
    const isChanged = this.#random.oneIn(3)
    if (isChanged) bytes[this.#random.nextInt(bytes.length)] ^= 1 << this.#random.nextInt(8)
    this.#transcript.add(bytes)
    const isCut = isChanged && this.#random.oneIn(2)
    this.#socket.write(isCut ? bytes.subarray(0, this.#random.nextInt(bytes.length)) : bytes)
    if (isCut) this.#socket.end()
    done()
  }

  override _final(done: () => void): void {
    this.#socket.end()
    done()
  }
}

/** Captured datagrams, changed: without a cookie of this client nothing is kept, and less comes back than went. */
export async function hostileDtlsRecords(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const inputs = Array.from({ length: RAW_DATAGRAMS }, () => mutated(random, random.pick(dtlsRecords())))
  await sendDtlsRecords(stage, random, inputs)
}

export async function sendDtlsRecords(
  stage: SocketsStage,
  random: SeededRandom,
  inputs: readonly Uint8Array[],
): Promise<void> {
  const judge = stage.judge(new Transcript('dtls', 'records of DTLS without a cookie', true), {
    isStranger: true,
    isDatagrams: true,
  })
  const udp = await connectUdp(HOST, stage.server.port('', 'dtls'), sourceHost(random))
  let [sentLength, receivedLength] = [0, 0]
  udp.receive((datagram) => {
    receivedLength += datagram.length
    judgeDatagram(judge, datagram)
    if (receivedLength > sentLength)
      judge.report(`${receivedLength} bytes came back for ${sentLength} without a cookie`)
  })
  for (const input of inputs) {
    judge.transcript.add(input)
    sentLength += input.length
    udp.send(input)
  }
  // Whoever is served now was so after what is in the server’s queue: the same socket asks for a cookie, and gets it.
  await establish(
    stage,
    judge,
    udp,
    new OpensslClient({ alpn: ['stun.turn'] }),
    random,
    () => false,
    (length) => {
      sentLength += 100_000 + length
    },
  )
  await udp.close()
}

/** A real client of DTLS whose datagrams are changed, repeated and lost; its session survives what is forged. */
export async function hostileDtlsHandshake(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const judge = stage.judge(new Transcript('dtls', 'a client of DTLS on a bad way', true), {
    isStranger: true,
    isDatagrams: false,
  })
  const udp = await connectUdp(HOST, stage.server.port('', 'dtls'), sourceHost(random))
  const client = new OpensslClient({ alpn: ['stun.turn'] })
  udp.receive((datagram) => judgeDatagram(judge, datagram))
  await establish(
    stage,
    judge,
    udp,
    client,
    random,
    () => random.oneIn(4),
    () => {},
  )
  client.free()
  await udp.close()
}

/** @param isChanged whether the next datagram is also sent in a changed form, before it */
async function establish(
  stage: SocketsStage,
  judge: Judge,
  udp: ClientTransport,
  client: OpensslClient,
  random: SeededRandom,
  isChanged: () => boolean,
  onSend: (length: number) => void,
): Promise<void> {
  let arrived: () => void = () => {}
  const request = binding(random)
  let isAnswered = false
  udp.receive((datagram) => {
    for (const frame of client.receive(datagram)) isAnswered ||= judge.received(frame)
    arrived()
  })
  let flight: readonly Buffer[] = client.advance()
  for (let count = 0; count < FLIGHT_COUNT_MAX && !isAnswered && !client.hasEnded; count++) {
    const next = new Promise<void>((resolve) => {
      arrived = resolve
    })
    for (const datagram of flight) {
      onSend(datagram.length)
      if (isChanged()) {
        const changed = mutated(random, datagram)
        judge.transcript.add(changed)
        udp.send(changed)
      }
      udp.send(datagram)
    }
    await withinMilliseconds(next, FLIGHT_MILLISECONDS_MAX)
    const more = client.advance()
    if (client.isEstablished) {
      judge.sent(request)
      flight = client.write(request)
    } else if (more.length > 0) flight = more
  }
  if (client.isEstablished) stage.depth.add('dtlsHandshakes')
}

function mutated(random: SeededRandom, datagram: Uint8Array): Uint8Array {
  if (random.oneIn(4)) return makeHostile(random, dtlsRecords())
  const bytes = Uint8Array.from(datagram)
  for (let count = 1 + random.nextInt(3); count > 0; count--) bytes[random.nextInt(bytes.length)] = random.nextInt(256)
  return random.oneIn(4) ? bytes.subarray(0, random.nextInt(bytes.length + 1)) : bytes
}

/** Whole records of DTLS. */
function judgeDatagram(judge: Judge, datagram: Buffer): void {
  let at = 0
  while (at + RECORD_HEADER_LENGTH <= datagram.length) {
    if (datagram[at] < DTLS_TYPE_MIN || datagram[at] > DTLS_TYPE_MAX || datagram[at + 1] !== 254) break
    at += RECORD_HEADER_LENGTH + datagram.readUInt16BE(at + 11)
  }
  if (at !== datagram.length) judge.report(`no records of DTLS came back: ${datagram.toString('hex').slice(0, 200)}`)
}
