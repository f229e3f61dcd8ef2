// What strangers get out of the server for their bytes: who forges a source address has the answers sent to a victim. UDP payloads are compared.
import { randomBytes } from 'node:crypto'
import { newTransactionId } from '../../client/transactions.js'
import {
  DOCTOR_AMPLIFICATION_FAULT_PERCENT,
  DOCTOR_AMPLIFICATION_WARNING_PERCENT,
  DOCTOR_QUIET_MILLISECONDS,
  DOCTOR_SILENCE_MILLISECONDS_MIN,
  DOCTOR_SILENCE_ROUND_TRIP_COUNT,
  DOCTOR_STRANGER_REQUEST_COUNT,
  DOCTOR_STRANGER_REQUEST_LENGTH_MAX,
} from '../../limits/doctor.js'
import {
  ATTRIBUTE_REQUESTED_TRANSPORT,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  TRANSPORT_PROTOCOL_UDP,
} from '../../stun/constants.js'
import { MessageWriter } from '../../stun/writer.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import type { OutsideScene, WayState } from './scene.js'

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
  const percent = 100 * ratio(worst)
  const remedy =
    'Keep answers to strangers short (coturn: no-software-attribute, no-rfc5780, no-stun-backward-compatibility, a short realm), and limit their rate'
  if (percent > DOCTOR_AMPLIFICATION_FAULT_PERCENT)
    return fault('the server amplifies attacks on others', `${text}: a forged source address makes it a weapon`, remedy)
  if (percent > DOCTOR_AMPLIFICATION_WARNING_PERCENT) return warning(text, remedy)
  const old = exchanges.find(({ answerLength, request }) => request.includes('3489') && answerLength > 0)
  return well(`${text}${old === undefined ? '' : '; it still answers requests of RFC 3489'}`)
}

export const amplification: Check<OutsideScene> = {
  id: 'amplification',
  needs: ['udp'],
  async run(scene) {
    const states = await scene.survey()
    const state = states.find(({ outcome, way }) => way.transport === 'udp' && outcome === 'answers')
    if (state === undefined) return notChecked('the server is not reached over UDP')
    const requests = [
      { request: 'Binding', make: () => stun(METHOD_BINDING) },
      { request: 'Allocate', make: () => stun(METHOD_ALLOCATE, writeRequestedTransport) },
      { request: 'Binding of RFC 3489', make: bindingOfRfc3489 },
    ]
    return judgeAmplification(
      await Promise.all(
        requests.map(async ({ make, request }) => ({
          ...{ request, requestLength: make().length },
          answerLength: await answerLengthOf(scene, state, make),
        })),
      ),
    )
  },
}

/** Bytes of all that one request brings; a request or an answer that was lost is given another chance. */
export async function answerLengthOf(scene: OutsideScene, state: WayState, make: () => Uint8Array): Promise<number> {
  const wait = DOCTOR_SILENCE_ROUND_TRIP_COUNT * state.answerMilliseconds
  const patienceMs = Math.min(Math.max(wait, DOCTOR_SILENCE_MILLISECONDS_MIN), scene.patienceMs)
  let length = 0
  for (let count = 0; length === 0 && count < DOCTOR_STRANGER_REQUEST_COUNT; count++)
    length = await answered(scene, state, make(), patienceMs)
  return length
}

/** From a port of its own, so that what comes late for the last one is not counted. */
async function answered(
  scene: OutsideScene,
  state: WayState,
  request: Uint8Array,
  patienceMs: number,
): Promise<number> {
  const transport = await scene.openTransport(state)
  let length = 0
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      transport.onFrame = (frame) => {
        if (length === 0) setTimeout(resolve, DOCTOR_QUIET_MILLISECONDS)
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
  const bytes = new Uint8Array(DOCTOR_STRANGER_REQUEST_LENGTH_MAX)
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
