// The saturating loads of the relay case: what they are called, and what of coturn's speed is promised for them.
import type { SaturateOptions } from '../generator/saturate.js'
import type { Direction } from '../generator/stage.js'
import { PAYLOAD_LENGTH } from '../micro.js'

export interface Load {
  readonly name: string
  readonly framing: SaturateOptions['framing']
  readonly direction: Direction
  readonly flowCount: number
  readonly burst: number
  readonly inFlightMax: number
  /** Of packets per server CPU second, for the native engine. */
  readonly target: number | null
  /** The same for the dgram engine, which is measured too then. */
  readonly dgramTarget: number | null
}

export const BURST = 16
const COALESCED_TARGET = 4
const SINGLE_TARGET = 1.3
const DGRAM_TARGET = 0.5
const BURSTS_IN_FLIGHT = 64
/** All of one allocation meet in one relay's socket buffer: coturn's holds fewer than a hundred packets. */
const BURSTS_IN_FLIGHT_OF_ONE = 4
/** The generator sends so many at a time. */
const IN_FLIGHT_MIN = 16

/** @param inFlightMax of single packets: more than a server takes at once, less than its socket buffers hold by default */
export function relayLoads({ flowCount, inFlightMax }: { flowCount: number; inFlightMax: number }): Load[] {
  const both = bothOf(inFlightMax)
  return [
    ...both({ what: 'bursts of 16', framing: 'channel', burst: BURST, flowCount, target: COALESCED_TARGET }),
    ...both({ what: 'bursts of 16', framing: 'channel', burst: BURST, flowCount: 1, target: COALESCED_TARGET }),
    ...both({
      what: 'single packets',
      framing: 'channel',
      burst: 1,
      flowCount,
      target: SINGLE_TARGET,
      isDgramToo: true,
    }),
    ...both({ what: 'lone packets', framing: 'channel', burst: 1, flowCount, target: null, isLone: true }),
    ...both({ what: 'indications in bursts of 16', framing: 'indication', burst: BURST, flowCount, target: null }),
    ...both({ what: 'single indications', framing: 'indication', burst: 1, flowCount, target: null }),
  ]
}

interface Kind {
  readonly what: string
  readonly framing: SaturateOptions['framing']
  readonly burst: number
  readonly flowCount: number
  readonly target: number | null
  readonly isDgramToo?: boolean
  /** Hardly ever two packets of one flow on their way, so that no server can send two together. */
  readonly isLone?: boolean
}

function bothOf(singlesInFlight: number): (kind: Kind) => Load[] {
  const directions: Direction[] = ['client-to-peer', 'peer-to-client']
  return ({ what, framing, burst, flowCount, target, isDgramToo = false, isLone = false }) => {
    return directions.map((direction) => ({
      name: `${what}, ${direction === 'client-to-peer' ? 'client → peer' : 'peer → client'}, ${allocations(flowCount)}`,
      framing,
      direction,
      flowCount,
      burst,
      inFlightMax: inFlight(burst, flowCount, isLone ? Math.max(flowCount, IN_FLIGHT_MIN) : singlesInFlight),
      target,
      dgramTarget: isDgramToo ? DGRAM_TARGET : null,
    }))
  }
}

function inFlight(burst: number, flowCount: number, singles: number): number {
  if (burst === 1) return singles
  return burst * (flowCount === 1 ? BURSTS_IN_FLIGHT_OF_ONE : BURSTS_IN_FLIGHT)
}

function allocations(count: number): string {
  return count === 1 ? '1 allocation' : `${count} allocations`
}

export function saturateOptions(load: Load): Omit<SaturateOptions, 'target' | 'user' | 'network' | 'canInject'> {
  const { framing, direction, flowCount, burst, inFlightMax } = load
  return {
    framing,
    direction,
    flowCount,
    burst,
    inFlightMax,
    payloadLength: PAYLOAD_LENGTH,
    warmUpSeconds: 0.5,
    seconds: 0,
  }
}
