// What strangers get out of the server for their bytes: who forges a source address has the answers sent to a victim. UDP payloads are compared.
import { randomBytes } from 'node:crypto'
import { newTransactionId } from '../../client/transactions.js'
import { openTransport } from '../../client/transport.js'
import {
  ATTRIBUTE_REQUESTED_TRANSPORT,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  TRANSPORT_PROTOCOL_UDP,
} from '../../stun/constants.js'
import { MessageWriter } from '../../stun/writer.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import type { OutsideScene, Way } from './scene.js'

/** What turnd itself keeps to: a challenge of at most this many times the bytes of the Allocate. */
const RATIO_WARNING = 3.5
/** DNS and NTP servers are taken off the Internet for less. */
const RATIO_FAULT = 5
/** After the first answer, for a second one. */
const QUIET_MILLISECONDS = 200
/** What comes later than this many times the round trip, and than this, was not meant to be answered. */
const ROUND_TRIPS_MAX = 5
const SILENCE_MILLISECONDS_MIN = 300
const REQUEST_LENGTH_MAX = 64

export interface Amplification {
  /** `Binding`, `Allocate`, or `Binding of RFC 3489`. */
  readonly request: string
  readonly requestLength: number
  /** Of all answers together; 0 for none. */
  readonly answerLength: number
}

export function judgeAmplification(exchanges: readonly Amplification[]): Judgement {
  const ratio = ({ answerLength, requestLength }: Amplification) => answerLength / requestLength
  const worst = [...exchanges].sort((a, b) => ratio(b) - ratio(a))[0]
  if (worst === undefined || worst.answerLength === 0) return well('the server answers no stranger')
  const text = `strangers get ${ratio(worst).toFixed(1)} bytes for one (${worst.request}: ${worst.requestLength} bytes are answered with ${worst.answerLength})`
  const remedy =
    'Keep answers to strangers short (coturn: no-software-attribute, no-rfc5780, no-stun-backward-compatibility, a short realm), and limit their rate'
  if (ratio(worst) > RATIO_FAULT)
    return fault('the server amplifies attacks on others', `${text}: a forged source address makes it a weapon`, remedy)
  if (ratio(worst) > RATIO_WARNING) return warning(text, remedy)
  const old = exchanges.find(({ answerLength, request }) => request.includes('3489') && answerLength > 0)
  return well(`${text}${old === undefined ? '' : '; it still answers requests of RFC 3489'}`)
}

export const amplification: Check<OutsideScene> = {
  id: 'amplification',
  needs: ['udp'],
  async run(scene) {
    const way = (await scene.survey()).find(({ outcome, way }) => way.transport === 'udp' && outcome === 'answers')?.way
    if (way === undefined) return notChecked('the server is not reached over UDP')
    const start = performance.now()
    const first = await exchange(scene, way, 'Binding', stun(METHOD_BINDING), scene.patienceMs)
    const patienceMs = Math.max(ROUND_TRIPS_MAX * (performance.now() - start), SILENCE_MILLISECONDS_MIN)
    const others = [
      exchange(scene, way, 'Allocate', stun(METHOD_ALLOCATE, writeRequestedTransport), patienceMs),
      exchange(scene, way, 'Binding of RFC 3489', bindingOfRfc3489(), patienceMs),
    ]
    return judgeAmplification([first, ...(await Promise.all(others))])
  },
}

async function exchange(
  scene: OutsideScene,
  way: Way,
  request: string,
  bytes: Uint8Array,
  patienceMs: number,
): Promise<Amplification> {
  const answerLength = await answered(scene, way, bytes, patienceMs)
  return { request, requestLength: bytes.length, answerLength }
}

/** Bytes of all that comes back. */
async function answered(scene: OutsideScene, way: Way, request: Uint8Array, patienceMs: number): Promise<number> {
  const transport = await openTransport(way, {
    verify: false,
    timeoutMilliseconds: scene.patienceMs,
    signal: scene.signal,
  })
  let length = 0
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      transport.onFrame = (frame) => {
        if (length === 0) setTimeout(resolve, QUIET_MILLISECONDS)
        length += frame.length
        clearTimeout(timer)
      }
      transport.send(request)
    })
    return length
  } finally {
    await transport.close()
  }
}

function stun(method: number, describe: (writer: MessageWriter) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(REQUEST_LENGTH_MAX)
  const writer = new MessageWriter().begin(bytes, 0, CLASS_REQUEST, method, newTransactionId(), 0)
  describe(writer)
  return bytes.subarray(0, writer.finish())
}

function writeRequestedTransport(writer: MessageWriter): void {
  writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, TRANSPORT_PROTOCOL_UDP << 24)
}

/** Sixteen bytes of transaction id where the magic cookie would stand. */
function bindingOfRfc3489(): Uint8Array {
  const bytes = randomBytes(20)
  bytes.writeUInt32BE(METHOD_BINDING << 16)
  return bytes
}
