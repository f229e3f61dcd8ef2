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
import { natDiscovery } from './nat-discovery.js'
import { peerPolicy } from './peer-policy.js'
import { permissions } from './permissions.js'
import { redirection } from './redirection.js'
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

/** Of the whole suite, on a busy machine; in the long run on one that is busy with more. */
const TOTAL_MILLISECONDS_MAX = process.env.TURND_TEST_LONG === '1' ? 1_800_000 : 240_000

export const SECTIONS: readonly Section[] = [
  binding,
  natDiscovery,
  authentication,
  credentials,
  variants,
  discretion,
  allocate,
  dualStack,
  reservations,
  limits,
  redirection,
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
 * On the native engine over UDP: all but what one core counts and compares by itself, which the dgram engine shows with the same one. What workers
 * count together is in `workers`.
 */
export const WORKER_SECTIONS: readonly Section[] = SECTIONS.filter(
  (section) => ![credentials, limits].includes(section),
)

/**
 * All but what the core counts and compares by itself, in tables that clients over streams share with those over UDP (`workers` is about
 * that): UDP has it, on either engine. The long run has it over TCP too.
 */
export const STREAM_SECTIONS: readonly Section[] = WORKER_SECTIONS.filter(
  (section) => ![reservations, bandwidth, redirection].includes(section),
)

/** What depends on how a kernel gives received packets, and on how it takes those that are sent. */
export const OFFLOAD_SECTIONS: Readonly<Record<'gro' | 'gso', readonly Section[]>> = {
  gro: [data, channels, bursts, coalesced, trafficClass],
  gso: [data, channels, bursts, dontFragment, icmp],
}

/** What TLS and DTLS frame and carry. All else is behind them: the same core and the same relays as behind TCP, which has all of it. */
export const SECURE_SECTIONS: readonly Section[] = [data, channels, bursts, coalesced]

/** The same, with what strangers get and with TCP relays: once for each of the two. */
export const TRANSPORT_SECTIONS: readonly Section[] = [
  authentication,
  discretion,
  strangers,
  redirection,
  ...SECURE_SECTIONS,
  tcpRelays,
]

export function conformance(t: Test, transport: TransportUnderTest, sections: readonly Section[] = SECTIONS): void {
  t.setTimeout(TOTAL_MILLISECONDS_MAX)
  t.test(`conformance of the ${transport.name}`, async (t) => {
    const suite = new Suite(t, transport)
    for (const section of sections) section(t, suite)
  })
}
