// Many users authenticate side by side, each once, from an address of its own: a Refresh with credentials, after a challenge that is not measured.
// No allocation is made: the right answer is 437, which only who has authenticated gets. Requests are ready before the clock starts.
import { randomFillSync } from 'node:crypto'
import { md5Key, sha256Key, userhash } from '../../src/auth/credentials.js'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  CLASS_REQUEST,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_UNAUTHENTICATED,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_SHA256,
} from '../../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { coreBusySeconds, cpuTime } from '../servers/proc-files.js'
import type { Dialogue } from '../turn-dialogue.js'
import { userAt } from '../users.js'
import { Clients } from './clients.js'
import { LOOPBACK_WORD, swapBytes } from './endpoint.js'
import { openKernel } from './kernel.js'
import type { Target } from './stage.js'

export interface AuthenticationsOptions {
  readonly target: Target
  readonly network: number
  /** Users 0 to n − 1 (users.ts). */
  readonly userCount: number
  /** Clients that wait for an answer at the same time. */
  readonly parallel: number
  /** With all of RFC 8489: USERHASH, SHA-256 keys and MACs. Otherwise as browsers do it: USERNAME, MD5 and SHA-1. */
  readonly isModern: boolean
}

export interface AuthenticationsResult {
  readonly seconds: number
  readonly authenticationCount: number
  readonly serverCpuSeconds: number
  readonly coreBusySeconds: number
  readonly generatorIdle: number
  readonly retransmissions: number
}

const REQUEST_LENGTH_MAX = 1024

const view = new MessageView()
const writer = new MessageWriter()

export function authenticateUsers(options: AuthenticationsOptions): AuthenticationsResult {
  const { isModern, network, parallel, target, userCount } = options
  const clients = new Clients(openKernel(), network, swapBytes(LOOPBACK_WORD), target.port)
  const requests: Uint8Array[] = []
  const challenges = Array.from({ length: userCount }, (_, index) => prepare(requests, index, isModern))
  clients.converse(challenges, parallel)
  const cpuBefore = totalSeconds(target.pid)
  const busyBefore = coreBusySeconds(target.core)
  const { seconds, idle, retransmissions } = clients.converse(requests.map(authenticate), parallel)
  const serverCpuSeconds = totalSeconds(target.pid) - cpuBefore
  const busy = coreBusySeconds(target.core) - busyBefore
  clients.close()
  return {
    seconds,
    authenticationCount: userCount,
    serverCpuSeconds,
    coreBusySeconds: busy,
    generatorIdle: idle,
    retransmissions,
  }
}

/** Fetches a challenge, and makes the request of this user that answers it. */
function* prepare(requests: Uint8Array[], index: number, isModern: boolean): Dialogue {
  const challenge = read(yield begin().slice(0, writer.finish()), ERROR_UNAUTHENTICATED)
  const realm = challenge.readText(challenge.find(ATTRIBUTE_REALM))
  const nonce = challenge.readBytes(challenge.find(ATTRIBUTE_NONCE)).slice()
  const offer = challenge.readBytes(challenge.find(ATTRIBUTE_PASSWORD_ALGORITHMS)).slice()
  const { password, username } = userAt(index)
  const bytes = begin()
  if (isModern) writer.writeBytes(ATTRIBUTE_USERHASH, Buffer.from(userhash(username, realm), 'hex'))
  else writer.writeText(ATTRIBUTE_USERNAME, username)
  writer.writeText(ATTRIBUTE_REALM, realm).writeBytes(ATTRIBUTE_NONCE, nonce)
  if (isModern) {
    writer.writeBytes(ATTRIBUTE_PASSWORD_ALGORITHMS, offer)
    writer.writeUint32(ATTRIBUTE_PASSWORD_ALGORITHM, PASSWORD_ALGORITHM_SHA256 << 16)
    writer.writeMessageIntegritySha256(sha256Key(username, realm, password))
  } else {
    writer.writeMessageIntegrity(md5Key(username, realm, password))
  }
  requests[index] = bytes.slice(0, writer.finish())
}

function* authenticate(request: Uint8Array): Dialogue {
  read(yield request, ERROR_ALLOCATION_MISMATCH)
}

function begin(): Uint8Array {
  const bytes = new Uint8Array(REQUEST_LENGTH_MAX)
  writer.begin(bytes, 0, CLASS_REQUEST, METHOD_REFRESH, randomFillSync(new Uint8Array(12)), 0)
  return bytes
}

function read(answer: Uint8Array, code: number): MessageView {
  if (decodeMessage(view, answer, 0, answer.length) !== DECODE_OK) throw new Error('the answer is no STUN message')
  const actual = view.readErrorCode(view.find(ATTRIBUTE_ERROR_CODE))
  if (actual !== code) throw new Error(`Refresh was answered with ${actual}, not ${code}`)
  return view
}

function totalSeconds(pid: number): number {
  const { systemSeconds, userSeconds } = cpuTime(pid)
  return userSeconds + systemSeconds
}
