// How much a server answers to a stranger, in bytes, turnd beside coturn: each request is sent once, to the real process, from a socket of
// its own. What gets no answer is told by a Binding request that is sent behind it and answered.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { formatTable } from '../../bench/table.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_REFRESH,
  METHOD_SEND,
} from '../../src/stun/constants.js'
import { withDeadline } from '../support/deadline.js'
import { ReceivedMessage } from '../support/received-message.js'
import { describeAllocate } from '../support/turn-requests.js'
import { addressOf } from '../support/udp-peer.js'
import { allocateRequest, bindingRequest, messageOf } from './datagrams.js'
import { HOST } from './ground.js'

const ANSWER_MILLISECONDS_MAX = 5_000
const BINDING_ANSWER_LENGTH_MAX = 32
const CHALLENGE_RATIO_MAX = 3.5
const NONCE_LENGTH_MAX = 28

export interface Probe {
  readonly name: string
  readonly bytes: Buffer
  /** By turnd. */
  readonly isAnswered: boolean
}

export interface Measured {
  readonly server: string
  /** Bytes of the answer to each probe, 0 without one. */
  readonly answers: readonly number[]
  readonly nonceLength: number
}

const sendIndication = messageOf(METHOD_SEND, CLASS_INDICATION, (writer) => {
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, addressOf(HOST, 9))
  writer.writeBytes(ATTRIBUTE_DATA, randomBytes(100))
})

/** An older client's: without the magic cookie (RFC 3489). */
function classicBinding(): Buffer {
  const bytes = Buffer.concat([Buffer.from([0, 1, 0, 0]), randomBytes(16)])
  bytes[4] = 0
  return bytes
}

function channelData(): Buffer {
  const frame = Buffer.alloc(104)
  frame.writeUInt16BE(0x4000)
  frame.writeUInt16BE(100, 2)
  return frame
}

const falseCredentials = messageOf(METHOD_ALLOCATE, CLASS_REQUEST, (writer) => {
  describeAllocate(writer)
  writer.writeText(ATTRIBUTE_USERNAME, 'nobody')
  writer.writeText(ATTRIBUTE_REALM, 'turntest')
  writer.writeText(ATTRIBUTE_NONCE, '0123456789abcdef')
  writer.writeMessageIntegrity(randomBytes(16))
})

export const PROBES: readonly Probe[] = [
  { name: 'Binding', bytes: bindingRequest(), isAnswered: true },
  { name: 'Allocate', bytes: allocateRequest(), isAnswered: true },
  { name: 'Refresh', bytes: messageOf(METHOD_REFRESH, CLASS_REQUEST, () => {}), isAnswered: true },
  { name: 'Allocate with false credentials', bytes: falseCredentials, isAnswered: true },
  { name: 'Binding of RFC 3489', bytes: classicBinding(), isAnswered: false },
  { name: 'Binding indication', bytes: messageOf(METHOD_BINDING, CLASS_INDICATION, () => {}), isAnswered: false },
  { name: 'Send indication', bytes: sendIndication, isAnswered: false },
  { name: 'ChannelData', bytes: channelData(), isAnswered: false },
  { name: 'garbage', bytes: Buffer.alloc(100, 0xff), isAnswered: false },
]

/** @param port of a server on HOST, whose realm has eight bytes */
export async function measure(server: string, port: number): Promise<Measured> {
  const answers: number[] = []
  let nonceLength = 0
  for (const { bytes } of PROBES) {
    const answer = await answerTo(port, bytes)
    answers.push(answer?.length ?? 0)
    if (bytes.length === allocateRequest().length && answer !== null && bytes.readUInt16BE() === METHOD_ALLOCATE)
      nonceLength = new ReceivedMessage(answer).text(ATTRIBUTE_NONCE).length
  }
  return { server, answers, nonceLength }
}

/** Null if there is none before the answer to what was sent behind it. */
async function answerTo(port: number, bytes: Buffer): Promise<Buffer | null> {
  const socket = createSocket('udp4')
  socket.bind({ address: '127.31.0.1', port: 0, exclusive: true })
  await once(socket, 'listening')
  const behind = bindingRequest()
  const received: Buffer[] = []
  try {
    const isOver = new Promise<void>((resolve) => {
      socket.on('message', (answer) => {
        if (answer.includes(behind.subarray(8, 20))) resolve()
        else received.push(answer)
      })
    })
    socket.send(bytes, port, HOST)
    socket.send(behind, port, HOST)
    await withDeadline(isOver, ANSWER_MILLISECONDS_MAX, () => `the server at ${port} answers a Binding request`)
    return received.length === 0 ? null : Buffer.concat(received)
  } finally {
    socket.close()
  }
}

/** What turnd promises. */
export function amplificationFailures({ answers, nonceLength }: Measured): string[] {
  const failures: string[] = []
  for (const [index, { isAnswered, name }] of PROBES.entries()) {
    if (answers[index] > 0 !== isAnswered) failures.push(`${name}: ${answers[index]} bytes came back`)
  }
  const [binding, challenge] = answers
  if (binding > BINDING_ANSWER_LENGTH_MAX) failures.push(`the answer to Binding has ${binding} bytes`)
  if (challenge > CHALLENGE_RATIO_MAX * PROBES[1].bytes.length) failures.push(`the 401 has ${challenge} bytes`)
  if (nonceLength > NONCE_LENGTH_MAX) failures.push(`the nonce has ${nonceLength} characters`)
  return failures
}

export function amplificationTable(servers: readonly Measured[]): string {
  const head = ['request', 'bytes', ...servers.flatMap(({ server }) => [server, 'out ÷ in'])]
  const rows = PROBES.map(({ bytes, name }, index) => [
    name,
    String(bytes.length),
    ...servers.flatMap(({ answers }) => {
      const length = answers[index]
      return length === 0 ? ['–', '0'] : [String(length), (length / bytes.length).toFixed(2)]
    }),
  ])
  const nonces = ['nonce, characters', '', ...servers.flatMap(({ nonceLength }) => [String(nonceLength), ''])]
  return formatTable({ head, rows: [...rows, nonces] })
}
