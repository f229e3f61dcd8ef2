// What the seed decides about a whole run: addresses, limits, how bad the network and the operating system are, who takes part.
import type { SeededRandom } from '../support/random.js'
import { withPort } from './address-text.js'
import type { LinkQuality } from './network.js'

/** Textual transport addresses, as TransportAddress.toString() writes them. */
export const ALLOWED_PEERS: readonly string[] = [
  '1.2.3.4:6000',
  '1.2.3.4:6001',
  '8.8.4.4:5300',
  '10.9.9.9:7000',
  '10.9.9.9:7001',
  '[2a00:1450::1]:6000',
  '[2a00:1450::2]:6000',
]
/** Opens two ports of an address that is denied otherwise: its permission is granted, its other ports are not reached. */
export const ALLOW_RULE = '10.9.9.9/32:7000-7001'
export const FORBIDDEN_PEERS: readonly string[] = [
  '10.9.9.9:7002',
  '1.2.3.4:0',
  '127.0.0.1:80',
  '10.0.0.1:3478',
  '5.6.7.8:3478',
  '5.6.7.8:1024',
  '224.0.0.1:5000',
  '0.0.0.0:9',
  '[2001:db8::9]:5000',
  '[64:ff9b::a00:1]:80',
  '[::ffff:127.0.0.1]:80',
  '[fd00::1]:5000',
]

/** A relay host: what is bound, and what clients are told. Without ports. */
export interface HostPair {
  readonly bound: string
  readonly advertised: string
  readonly family: 4 | 6
}

const HOSTS_IPV4: readonly HostPair[] = [
  { bound: '10.0.0.1', advertised: '5.6.7.8', family: 4 },
  { bound: '10.0.0.2', advertised: '5.6.7.9', family: 4 },
]
const HOST_IPV6: HostPair = { bound: '2a00:5::1', advertised: '2a00:5::1', family: 6 }

export const USERS: readonly { readonly username: string; readonly password: string }[] = [
  { username: 'alice', password: 'correct horse' },
  { username: 'bob', password: 'battery staple' },
  { username: 'carol', password: 'tr0ub4dor' },
]

/** The server's own addresses, by the simulator's number of the listener. Streams have numbers behind these. */
export const LISTENER_HOSTS: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ['10.0.0.1', '10.0.0.3'],
  6: ['2a00:5::1', '2a00:5::3'],
}
export const LISTENER_PORT = 3478

/** Where clients of this family reach the listener. */
export function listenerAddress(listenerId: number, family: 4 | 6): string {
  const hosts = LISTENER_HOSTS[family]
  return listenerId < hosts.length ? withPort(hosts[listenerId], LISTENER_PORT) : `stream ${listenerId}`
}

export interface Scenario {
  readonly hosts: readonly HostPair[]
  readonly minPort: number
  readonly maxPort: number
  readonly maxAllocations: number
  readonly userQuota: number
  readonly permissionCountMax: number
  readonly channelCountMax: number
  /** Of a core without an engine. */
  readonly supportsDontFragment: boolean
  readonly link: LinkQuality
  /** Relay sockets that do not open, each once in so many on average. */
  readonly inUseOneIn: number
  readonly refusedOneIn: number
  readonly slowOpenOneIn: number
  readonly clientCount: number
  readonly streamClientCount: number
  /** The step at which the server starts to drain; Infinity: never. */
  readonly drainStep: number
  /** Ends with deleteAllAllocations instead of expiry. */
  readonly endsStopped: boolean
}

export function makeScenario(random: SeededRandom, stepCount: number): Scenario {
  const hosts = HOSTS_IPV4.slice(0, 1 + random.nextInt(2))
  if (!random.oneIn(5)) hosts.push(HOST_IPV6)
  const minPort = 24_000 + random.nextInt(3)
  const clientCount = 3 + random.nextInt(7)
  return {
    hosts,
    minPort,
    maxPort: minPort + 3 + random.nextInt(random.oneIn(3) ? 6 : 40),
    maxAllocations: random.oneIn(3) ? 2 + random.nextInt(5) : 20,
    userQuota: random.oneIn(2) ? 0 : 1 + random.nextInt(4),
    permissionCountMax: 2 + random.nextInt(5),
    channelCountMax: 1 + random.nextInt(4),
    supportsDontFragment: random.oneIn(2),
    link: {
      lossOneIn: random.pick([4, 10, 30, 1000]),
      duplicateOneIn: random.pick([2, 5, 20, 1000]),
      delayTicksMax: random.pick([2, 20, 200]),
    },
    inUseOneIn: random.pick([2, 6, 1000]),
    refusedOneIn: random.pick([3, 12, 1000]),
    slowOpenOneIn: random.pick([2, 5, 1000]),
    clientCount,
    streamClientCount: 1 + random.nextInt(2),
    drainStep: random.oneIn(5) ? Math.floor(stepCount * 0.8) : Number.POSITIVE_INFINITY,
    endsStopped: random.oneIn(4),
  }
}
