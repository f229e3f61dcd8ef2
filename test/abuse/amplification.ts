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
import {
  BARE_CHALLENGE_RATIO_MAX,
  BINDING_ANSWER_LENGTH_MAX,
  CHALLENGE_LENGTH_MAX,
  CHALLENGE_RATIO_MAX,
} from '../support/answer-bounds.js'
import { withDeadline } from '../support/deadline.js'
import { ReceivedMessage } from '../support/received-message.js'
import { describeAllocate } from '../support/turn-requests.js'
import { addressOf } from '../support/udp-peer.js'
import { allocateRequest, bindingRequest, messageOf } from './datagrams.js'
import { HOST } from './ground.js'

const ANSWER_MILLISECONDS_MAX = 5_000
const NONCE_LENGTH_MAX = 28

/** What turnd promises about the answer to a probe. */
export interface AnswerRule {
  /** 0: there is none. Otherwise there must be one. */
  readonly lengthMax: number
  /** Of the answer's bytes to the request's. */
  readonly ratioMax: number
}

export interface Probe {
  readonly name: string
  readonly bytes: Buffer
  readonly rule: AnswerRule
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

const SILENCE: AnswerRule = { lengthMax: 0, ratioMax: 0 }
const BINDING: AnswerRule = { lengthMax: BINDING_ANSWER_LENGTH_MAX, ratioMax: 1.6 }
const CHALLENGE: AnswerRule = { lengthMax: CHALLENGE_LENGTH_MAX, ratioMax: CHALLENGE_RATIO_MAX }
/** Of a header alone, which no client sends. */
const BARE_CHALLENGE: AnswerRule = { ...CHALLENGE, ratioMax: BARE_CHALLENGE_RATIO_MAX }
/** Who brings credentials gets no more than it brings. */
const REFUSAL: AnswerRule = { ...CHALLENGE, ratioMax: 1 }

const bare = (method: number) => messageOf(method, CLASS_REQUEST, () => {})

export const PROBES: readonly Probe[] = [
  { name: 'Binding', bytes: bindingRequest(), rule: BINDING },
  { name: 'Allocate', bytes: allocateRequest(), rule: CHALLENGE },
  { name: 'Allocate, a header alone', bytes: bare(METHOD_ALLOCATE), rule: BARE_CHALLENGE },
  { name: 'Refresh, a header alone', bytes: bare(METHOD_REFRESH), rule: BARE_CHALLENGE },
  { name: 'Allocate with false credentials', bytes: falseCredentials, rule: REFUSAL },
  { name: 'Binding of RFC 3489', bytes: classicBinding(), rule: SILENCE },
  { name: 'Binding indication', bytes: messageOf(METHOD_BINDING, CLASS_INDICATION, () => {}), rule: SILENCE },
  { name: 'Send indication', bytes: sendIndication, rule: SILENCE },
  { name: 'ChannelData', bytes: channelData(), rule: SILENCE },
  { name: 'garbage', bytes: Buffer.alloc(100, 0xff), rule: SILENCE },
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

/** Of what turnd promises, what does not hold: every probe is held to its own rule. */
export function amplificationFailures({ answers, nonceLength }: Measured): string[] {
  const failures = PROBES.flatMap(({ bytes, name, rule }, index) => {
    const length = answers[index]
    if (length === 0 && rule.lengthMax > 0) return [`${name}: no answer`]
    const isWithin = length <= rule.lengthMax && length <= rule.ratioMax * bytes.length
    return isWithin ? [] : [`${name}: ${length} bytes for ${bytes.length}, the rule is ${ruleText(rule)}`]
  })
  if (nonceLength > NONCE_LENGTH_MAX) failures.push(`the nonce has ${nonceLength} characters`)
  return failures
}

function ruleText({ lengthMax, ratioMax }: AnswerRule): string {
  return lengthMax === 0 ? 'no answer' : `≤ ${lengthMax} bytes, ≤ ${ratioMax.toFixed(1)} ×`
}

export function amplificationTable(servers: readonly Measured[]): string {
  const head = ['request', 'bytes', 'rule', ...servers.flatMap(({ server }) => [server, 'out ÷ in'])]
  const rows = PROBES.map(({ bytes, name, rule }, index) => [
    ...[name, String(bytes.length), ruleText(rule)],
    ...servers.flatMap(({ answers }) => {
      const length = answers[index]
      return length === 0 ? ['–', '0'] : [String(length), (length / bytes.length).toFixed(2)]
    }),
  ])
  const nonces = [
    ...['nonce, characters', '', `≤ ${NONCE_LENGTH_MAX}`],
    ...servers.flatMap(({ nonceLength }) => [String(nonceLength), '']),
  ]
  return formatTable({ head, rows: [...rows, nonces] })
}
