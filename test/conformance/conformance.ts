// ONE suite over real sockets, for every engine and every transport: what RFC 8489 and RFC 8656 ask of a server, and what known servers
// get wrong. What needs time to pass (expiry) is tested in test/turn with a clock of its own.
import type { Test } from 'tap'
import { allocate } from './allocate.js'
import { authentication } from './authentication.js'
import { bandwidth } from './bandwidth.js'
import { binding } from './binding.js'
import { bursts } from './bursts.js'
import { channels } from './channels.js'
import { coalesced } from './coalesced.js'
import { credentials } from './credentials.js'
import { data } from './data.js'
import { discretion } from './discretion.js'
import { dontFragment } from './dont-fragment.js'
import { dualStack } from './dual-stack.js'
import { hairpin } from './hairpin.js'
import { icmp } from './icmp.js'
import { limits } from './limits.js'
import { mobility } from './mobility.js'
import { peerPolicy } from './peer-policy.js'
import { permissions } from './permissions.js'
import { refresh } from './refresh.js'
import { reservations } from './reservations.js'
import { strangers } from './strangers.js'
import { Suite, type TransportUnderTest } from './suite.js'
import { tcpRelays } from './tcp-relays.js'
import { trafficClass } from './traffic-class.js'
import { variants } from './variants.js'
import { wildcard } from './wildcard.js'
import { workers } from './workers.js'

type Section = (t: Test, suite: Suite) => void

/** Of the whole suite, on a busy machine. */
const TOTAL_MILLISECONDS_MAX = 240_000

export const SECTIONS: readonly Section[] = [
  binding,
  authentication,
  credentials,
  variants,
  discretion,
  allocate,
  dualStack,
  reservations,
  limits,
  refresh,
  permissions,
  data,
  channels,
  bursts,
  coalesced,
  peerPolicy,
  hairpin,
  dontFragment,
  icmp,
  trafficClass,
  wildcard,
  workers,
  strangers,
  bandwidth,
  tcpRelays,
  mobility,
]

/** What depends on how an engine receives and sends packets, and a transport frames; and what each of them has to show all the same. */
export const DATA_SECTIONS: readonly Section[] = [
  variants,
  dualStack,
  data,
  channels,
  bursts,
  coalesced,
  hairpin,
  dontFragment,
  icmp,
  trafficClass,
]

/** The same, with what engines do for TCP relays. */
export const DATA_AND_TCP_RELAY_SECTIONS: readonly Section[] = [...DATA_SECTIONS, tcpRelays]

/**
 * All but what the core counts and compares by itself, in tables that clients over streams share with those over UDP (`workers` is about
 * that): UDP has it, on either engine. The long run has it over TCP too.
 */
export const STREAM_SECTIONS: readonly Section[] = SECTIONS.filter(
  (section) => ![credentials, reservations, limits].includes(section),
)

/** What depends on the offloads of a kernel alone. */
export const OFFLOAD_SECTIONS: readonly Section[] = [
  data,
  channels,
  bursts,
  coalesced,
  dontFragment,
  icmp,
  trafficClass,
]

/**
 * What a transport carries, and what strangers get over it. What is left out is the core's, which is the same behind every stream, and the
 * DF bit of relays, which the same stream worker sets: TCP has all of it.
 */
export const TRANSPORT_SECTIONS: readonly Section[] = [
  authentication,
  discretion,
  strangers,
  ...DATA_AND_TCP_RELAY_SECTIONS.filter((section) => section !== dontFragment),
]

export function conformance(t: Test, transport: TransportUnderTest, sections: readonly Section[] = SECTIONS): void {
  t.setTimeout(TOTAL_MILLISECONDS_MAX)
  t.test(`conformance of the ${transport.name}`, async (t) => {
    const suite = new Suite(t, transport)
    for (const section of sections) section(t, suite)
  })
}
