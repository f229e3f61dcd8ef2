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
  ATTRIBUTE_OTHER_ADDRESS,
  ATTRIBUTE_PADDING,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  TRANSPORT_PROTOCOL_UDP,
} from '../../stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../stun/message.js'
import { MessageWriter } from '../../stun/writer.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import type { OutsideScene, WayState } from './scene.js'

export interface Amplification {
  /** `Binding`, `Binding with PADDING`, `Allocate`, or `Binding of RFC 3489`. */
  readonly request: string
  readonly requestLength: number
  /** Of all answers together; 0 for none. */
  readonly answerLength: number
  /** It has OTHER-ADDRESS: NAT behaviour discovery is on. */
  readonly isDiscovery?: boolean
}

/** A header and four addresses of IPv6: what RFC 5780 §6.1 wants of a Binding answer. */
const DISCOVERY_ANSWER_LENGTH_MAX = 116

export function judgeAmplification(exchanges: readonly Amplification[]): Judgement {
  const ratio = ({ answerLength, requestLength }: Amplification) => answerLength / requestLength
  const worst = [...exchanges].sort((a, b) => ratio(b) - ratio(a))[0]
  if (worst === undefined || worst.answerLength === 0) return well('the server answers no stranger')
  const text = `strangers get ${ratio(worst).toFixed(1)} bytes for one (${worst.request}: ${worst.requestLength} bytes are answered with ${worst.answerLength})`
  const percent = 100 * ratio(worst)
  const remedy =
    'Keep answers to strangers short (coturn: no-software-attribute, no-rfc5780, no-stun-backward-compatibility, a short realm; turnd: --nat-discovery where clients need it alone), and limit their rate'
  // Whoever has discovery has this with it, and has been told.
  const isAsItMustBe = worst.isDiscovery === true && worst.answerLength <= DISCOVERY_ANSWER_LENGTH_MAX
  if (percent > DOCTOR_AMPLIFICATION_FAULT_PERCENT && !isAsItMustBe)
    return fault('the server amplifies attacks on others', `${text}: a forged source address makes it a weapon`, remedy)
  if (percent > DOCTOR_AMPLIFICATION_WARNING_PERCENT) return warning(text, remedy)
  const old = exchanges.find(({ answerLength, request }) => request.includes('3489') && answerLength > 0)
  const discovery = exchanges.some(({ isDiscovery }) => isDiscovery) ? '; it offers NAT discovery (RFC 5780)' : ''
  return well(`${text}${old === undefined ? '' : '; it still answers requests of RFC 3489'}${discovery}`)
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
      // Where the answer is padded to an MTU, whatever was asked, it is the worst of all.
      { request: 'Binding with PADDING', make: () => stun(METHOD_BINDING, writePadding) },
      { request: 'Allocate', make: () => stun(METHOD_ALLOCATE, writeRequestedTransport) },
      { request: 'Binding of RFC 3489', make: bindingOfRfc3489 },
    ]
    return judgeAmplification(
      await Promise.all(
        requests.map(async ({ make, request }) => {
          const frames = await answersTo(scene, state, make)
          return {
            ...{ request, requestLength: make().length, answerLength: lengthOf(frames) },
            isDiscovery: frames.some(hasOtherAddress),
          }
        }),
      ),
    )
  },
}

/** Bytes of all that one request brings; a request or an answer that was lost is given another chance. */
export async function answerLengthOf(scene: OutsideScene, state: WayState, make: () => Uint8Array): Promise<number> {
  return lengthOf(await answersTo(scene, state, make))
}

async function answersTo(scene: OutsideScene, state: WayState, make: () => Uint8Array): Promise<readonly Uint8Array[]> {
  const wait = DOCTOR_SILENCE_ROUND_TRIP_COUNT * state.answerMilliseconds
  const patienceMs = Math.min(Math.max(wait, DOCTOR_SILENCE_MILLISECONDS_MIN), scene.patienceMs)
  let frames: readonly Uint8Array[] = []
  for (let count = 0; frames.length === 0 && count < DOCTOR_STRANGER_REQUEST_COUNT; count++)
    frames = await answered(scene, state, make(), patienceMs)
  return frames
}

/** From a port of its own, so that what comes late for the last one is not counted. */
async function answered(
  scene: OutsideScene,
  state: WayState,
  request: Uint8Array,
  patienceMs: number,
): Promise<readonly Uint8Array[]> {
  const transport = await scene.openTransport(state)
  const frames: Uint8Array[] = []
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs)
      transport.onFrame = (frame) => {
        if (frames.length === 0) setTimeout(resolve, DOCTOR_QUIET_MILLISECONDS)
        frames.push(frame)
        clearTimeout(timer)
      }
      transport.send(request)
    })
    return frames
  } finally {
    await transport.close()
  }
}

function lengthOf(frames: readonly Uint8Array[]): number {
  return frames.reduce((sum, { length }) => sum + length, 0)
}

function hasOtherAddress(frame: Uint8Array): boolean {
  const view = new MessageView()
  return decodeMessage(view, frame, 0, frame.length) === DECODE_OK && view.has(ATTRIBUTE_OTHER_ADDRESS)
}

function stun(method: number, describe: (writer: MessageWriter) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(DOCTOR_STRANGER_REQUEST_LENGTH_MAX)
  const writer = new MessageWriter().begin(bytes, 0, CLASS_REQUEST, method, newTransactionId(), 0)
  describe(writer)
  return bytes.subarray(0, writer.finish())
}

function writePadding(writer: MessageWriter): void {
  writer.writeZeros(ATTRIBUTE_PADDING, 4)
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
