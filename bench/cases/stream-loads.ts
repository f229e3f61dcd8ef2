// The saturating loads of the streams case: what they are called, and what of coturn's speed is promised for them.
import type { Direction } from '../generator/stage.js'
import { PAYLOAD_LENGTH } from '../micro.js'

export interface StreamLoad {
  readonly name: string
  readonly transport: 'TCP' | 'TLS'
  readonly direction: Direction
  readonly payloadLength: number
  /** Datagrams that leave the peer together. */
  readonly burst: number
  /** Of one flow, downwards. */
  readonly inFlightMax: number
  /** Of payload per server CPU second, as a multiple of coturn's; null: measured, but not promised. */
  readonly target: number | null
}

/** A full packet of video. */
const LARGE_PAYLOAD_LENGTH = 1200
const LARGE = { payloadLength: LARGE_PAYLOAD_LENGTH, burst: 8, inFlightMax: 24 }
const SMALL = { payloadLength: PAYLOAD_LENGTH, burst: 16, inFlightMax: 64 }
const TARGETS = { TCP: 1, TLS: 0.8 } as const

export function streamLoads(): StreamLoad[] {
  const transports = ['TCP', 'TLS'] as const
  const large = transports.flatMap((transport) => {
    return both({ ...LARGE, transport, target: TARGETS[transport] })
  })
  const small = transports.flatMap((transport) => {
    return both({ ...SMALL, transport, target: null })
  })
  const single = transports.map((transport): StreamLoad => {
    const kind = { ...LARGE, transport, burst: 1, target: null }
    return { ...kind, direction: 'peer-to-client', name: `${nameOf(kind)}, peer → client, single packets` }
  })
  return [...large, ...small, ...single]
}

function both(kind: Omit<StreamLoad, 'name' | 'direction'>): StreamLoad[] {
  return [
    { ...kind, direction: 'client-to-peer', name: `${nameOf(kind)}, client → peer` },
    { ...kind, direction: 'peer-to-client', name: `${nameOf(kind)}, peer → client` },
  ]
}

function nameOf({ transport, payloadLength }: Pick<StreamLoad, 'transport' | 'payloadLength'>): string {
  return `${transport}, ${payloadLength.toLocaleString('en-US')} bytes`
}
