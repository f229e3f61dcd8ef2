// What the browser and the call bridge said to the TURN server, over whichever transport, and what flowed through their relays: checks, handshakes and
// media by kind, counted both ways.
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_DATA,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_ERROR,
  CLASS_INDICATION,
  CLASS_REQUEST,
} from '../../src/stun/constants.js'
import { FrameAssembler } from '../../src/stun/framing.js'
import { ReceivedMessage } from '../support/received-message.js'
import { type Arrow, type Losses, legOf, type Step } from './story.js'
import { payloadTypes } from './story-http.js'
import { TURN_PORT } from './topology.js'
import type { WireFrame } from './wire.js'

const FRAME_BYTES_MAX = 65_535
const CHANNEL_DATA_HEADER_BYTES = 4
const STUN_HEADER_BYTES = 20
/** The second byte of RTCP (RFC 5761 §4). */
const [RTCP_FIRST, RTCP_LAST] = [192, 223]

interface Said {
  readonly party: 'browser' | 'cms'
  readonly isToEdge: boolean
  readonly isLost: boolean
  readonly timeMs: number
  /** `TLS 443`. */
  readonly transport: string
  /** Of the client. */
  readonly port: number
  readonly bytes: Buffer
}

export function turnSteps(frames: readonly WireFrame[], losses: Losses): Step[] {
  const requests = new Requests()
  const flows = new Flows(payloadTypes(frames))
  const [said, probes] = withoutProbes([...saidIn(frames, losses)])
  for (const one of said) {
    if (one.bytes[0] >> 6 === 1) {
      flows.add(one, one.bytes.subarray(CHANNEL_DATA_HEADER_BYTES))
      continue
    }
    const message = messageOf(one.bytes)
    if (message === null) continue
    if (message.messageClass !== CLASS_INDICATION) requests.add(one, message)
    else if (message.has(ATTRIBUTE_DATA)) flows.add(one, message.value(ATTRIBUTE_DATA))
  }
  return [...probes, ...requests.steps, ...flows.steps()]
}

/** The CMS API measures the TURN server now and then, beside the call: who on the inside asks for a permission is the call, where there is one. */
function withoutProbes(said: readonly Said[]): [said: Said[], probes: Step[]] {
  const callers = new Set(said.filter(isCaller).map(({ port }) => port))
  const isProbe = ({ party, port }: Said) => party === 'cms' && callers.size > 0 && !callers.has(port)
  const arrow: Arrow = { from: 'cms', to: 'edge', text: 'status probe of the CMS API' }
  const first = new Map(
    said
      .filter(isProbe)
      .map(({ port, timeMs }) => [port, timeMs] as const)
      .reverse(),
  )
  return [
    said.filter((one) => !isProbe(one)),
    [...first.values()].map((timeMs) => ({ timeMs, arrows: [{ ...arrow }] })),
  ]
}

function isCaller({ bytes, party }: Said): boolean {
  return party === 'cms' && (bytes[0] >> 6 === 1 || messageOf(bytes)?.has(ATTRIBUTE_XOR_PEER_ADDRESS) === true)
}

/** Datagrams as they are, streams cut into frames. */
function* saidIn(frames: readonly WireFrame[], losses: Losses): Generator<Said> {
  /** By connection and direction; null: that is no TURN. */
  const assemblers = new Map<string, FrameAssembler | null>()
  for (const frame of frames) {
    const leg = legOf(frame)
    const { from, payload, place, stream, timeMs, to, transport } = frame
    const [port, serverPort] = leg?.isToEdge ? [from.port, to.port] : [to.port, from.port]
    if (leg === null || payload.length === 0 || (transport !== 'tls' && serverPort !== TURN_PORT)) continue
    const way = `${transport.toUpperCase()} ${serverPort}`
    const said = { ...leg, timeMs, transport: way, port, isLost: losses.isLost(frame) }
    if (transport === 'udp') {
      for (const bytes of datagramsIn(payload)) yield { ...said, bytes }
      continue
    }
    const key = `${place} ${stream} ${leg.isToEdge}`
    const assembler = assemblers.has(key) ? assemblers.get(key) : new FrameAssembler(FRAME_BYTES_MAX)
    const found: Buffer[] = []
    const result = assembler?.push(payload, (bytes, start, end) => found.push(Buffer.from(bytes.subarray(start, end))))
    assemblers.set(key, result === 0 ? (assembler ?? null) : null)
    for (const bytes of found) yield { ...said, bytes }
  }
}

/** What a sender hands to the kernel in one piece (UDP_SEGMENT) is on the wire of a namespace as one piece: datagrams of one length, but for the last. */
function datagramsIn(payload: Buffer): Buffer[] {
  const isChannelData = payload[0] >> 6 === 1
  const length = payload.readUInt16BE(2) + (isChannelData ? CHANNEL_DATA_HEADER_BYTES : STUN_HEADER_BYTES)
  const count = Math.ceil(payload.length / length)
  return Array.from({ length: count }, (_, index) => payload.subarray(index * length, (index + 1) * length))
}

function messageOf(bytes: Buffer): ReceivedMessage | null {
  try {
    return new ReceivedMessage(bytes)
  } catch {
    return null
  }
}

/** Requests and their answers. Of most the answer is a mark behind the request; an Allocate's says more. */
class Requests {
  readonly steps: Step[] = []
  readonly #arrows = new Map<string, Arrow>()
  /** By its own answers. */
  readonly #relays = new Set<string>()

  add(said: Said, message: ReceivedMessage): void {
    const { isLost, party, timeMs } = said
    const key = `${party} ${message.transactionId}`
    if (message.messageClass === CLASS_REQUEST) {
      // One that is sent again is the same request.
      if (this.#arrows.get(key)?.isLost === isLost) return
      const arrow: Arrow = { from: party, to: 'edge', text: `${prefixOf(said)}${requestText(message)}`, isLost }
      this.#arrows.set(key, arrow)
      this.steps.push({ timeMs, arrows: [arrow] })
      if (party === 'browser' && message.method === 'ChannelBind') this.#noteHairpin(timeMs, message)
      return
    }
    const request = this.#arrows.get(key)
    if (message.method === 'Allocate') {
      if (message.has(ATTRIBUTE_XOR_RELAYED_ADDRESS)) this.#relays.add(relayOf(message))
      this.steps.push({
        timeMs,
        arrows: [{ from: 'edge', to: party, text: `${prefixOf(said)}${answerText(message)}` }],
      })
    } else if (request !== undefined) {
      this.#arrows.delete(key)
      request.text += message.messageClass === CLASS_ERROR ? ` → ${message.code} ${message.reasonPhrase}` : ' ✓'
    }
  }

  /** The peer is behind the same public address. */
  #noteHairpin(timeMs: number, message: ReceivedMessage): void {
    if (!this.#relays.has(message.address(ATTRIBUTE_XOR_PEER_ADDRESS).toString())) return
    this.steps.push({
      timeMs,
      arrows: [{ from: 'edge', to: 'edge', text: 'hairpin: that peer is a relay of this edge' }],
    })
  }
}

/** The call bridge has one way, the browser several. */
function prefixOf({ party, transport }: Pick<Said, 'party' | 'transport'>): string {
  return party === 'browser' ? `${transport}: ` : ''
}

function requestText(message: ReceivedMessage): string {
  const { method } = message
  if (method === 'Allocate') {
    return message.has(ATTRIBUTE_USERNAME) ? `Allocate as ${message.text(ATTRIBUTE_USERNAME)}` : 'Allocate'
  }
  if (method === 'Refresh' && message.has(ATTRIBUTE_LIFETIME)) return `Refresh ${message.uint32(ATTRIBUTE_LIFETIME)}`
  if (!message.has(ATTRIBUTE_XOR_PEER_ADDRESS)) return method
  const peers = message.addresses(ATTRIBUTE_XOR_PEER_ADDRESS)
  if (method !== 'ChannelBind')
    return `${method} ${peers.map((peer) => peer.toString().replace(/:\d+$/, '')).join(', ')}`
  const number = message.value(ATTRIBUTE_CHANNEL_NUMBER).readUInt16BE()
  return `${method} 0x${number.toString(16)} ${peers.join(', ')}`
}

function answerText(message: ReceivedMessage): string {
  if (message.messageClass !== CLASS_ERROR) {
    return `relay ${relayOf(message)}, ${message.uint32(ATTRIBUTE_LIFETIME)} s`
  }
  const realm = message.has(ATTRIBUTE_REALM) ? `, realm ${message.text(ATTRIBUTE_REALM)}` : ''
  return `${message.code} ${message.reasonPhrase}`.trim() + realm
}

function relayOf(message: ReceivedMessage): string {
  return message.address(ATTRIBUTE_XOR_RELAYED_ADDRESS).toString()
}

interface Flow {
  readonly kind: string
  readonly party: 'browser' | 'cms'
  readonly transport: string
  readonly timeMs: number
  toEdge: number
  fromEdge: number
}

/** What went through relays, by its kind and the leg that it took. */
class Flows {
  readonly #flows = new Map<string, Flow>()
  readonly #payloadTypes: ReadonlyMap<number, string>

  constructor(types: ReadonlyMap<number, string>) {
    this.#payloadTypes = types
  }

  add({ isToEdge, party, timeMs, transport }: Said, payload: Buffer): void {
    const kind = this.#kindOf(payload)
    const key = `${kind} ${party} ${transport}`
    const flow = this.#flows.get(key) ?? { kind, party, transport, timeMs, toEdge: 0, fromEdge: 0 }
    this.#flows.set(key, flow)
    if (isToEdge) flow.toEdge++
    else flow.fromEdge++
  }

  /** By the first byte (RFC 7983 §7). */
  #kindOf(payload: Buffer): string {
    const [first = 0, second = 0] = payload
    if (first < 4) return 'connectivity checks'
    if (first >= 20 && first < 64) return 'DTLS'
    if (first < 128 || first > 191) return 'other data'
    if (second >= RTCP_FIRST && second <= RTCP_LAST) return 'SRTCP'
    const type = second & 0x7f
    return `SRTP ${this.#payloadTypes.get(type) ?? `payload type ${type}`}`
  }

  /** The busiest of the browser's legs stands beside that of the call bridge, with which it talks. */
  steps(): Step[] {
    const flows = [...this.#flows.values()]
    return [...new Set(flows.map(({ kind }) => kind))].flatMap((kind) => {
      const those = flows.filter((flow) => flow.kind === kind)
      const ofBrowser = those
        .filter(({ party }) => party === 'browser')
        .sort((one, other) => sizeOf(other) - sizeOf(one))
      const ofCms = those.filter(({ party }) => party === 'cms')
      const [first, ...others] = ofBrowser
      const beside = first === undefined ? ofCms : [first, ...ofCms]
      return [beside, ...others.map((one) => [one])].filter(({ length }) => length > 0).map(stepOf)
    })
  }
}

function sizeOf({ fromEdge, toEdge }: Flow): number {
  return fromEdge + toEdge
}

function stepOf(flows: readonly Flow[]): Step {
  return {
    timeMs: flows[0].timeMs,
    arrows: flows.map((flow) => {
      const { fromEdge, kind, party, toEdge } = flow
      const text = `${prefixOf(flow)}${kind}, `
      return party === 'browser'
        ? { from: 'browser', to: 'edge', text: `${text}${toEdge} → ← ${fromEdge}`, isTwoWay: true }
        : { from: 'edge', to: 'cms', text: `${text}${fromEdge} → ← ${toEdge}`, isTwoWay: true }
    }),
  }
}
