// The firewall of the lab: static NAT one to one, holes for HTTPS, TURN and relays, and none of its own addresses turned back inside. Holes can be closed
// and opened while calls go on; what came through each is counted.
import type { NetworkNamespace } from '../support/namespace.js'
import { loadRules, readCounters, staticNat } from '../support/static-nat.js'
import { EDGE_OUTSIDE, HTTPS_PORT, OUTSIDE_NETWORK, PUBLIC, RELAY_PORTS, TURN_PORT } from './addresses.js'

export interface Holes {
  /** TCP 443. */
  readonly https: boolean
  /** TCP 3478. */
  readonly turnTcp: boolean
  /** Any UDP at all, both ways. */
  readonly udp: boolean
  /** UDP 24000-29999 from outside. What a relay has sent opens the way for answers, as in real firewalls. */
  readonly relayRange: boolean
}

export const ALL_OPEN: Holes = { https: true, turnTcp: true, udp: true, relayRange: true }

/** Packets since the start, both ways where they have two. */
export interface FirewallCounts {
  readonly https: number
  readonly turnTcp: number
  readonly turnUdp: number
  readonly relayRange: number
  /** From the edge to its own public address: dropped, as there is no NAT reflection. */
  readonly reflected: number
  /** For a hole that is closed now. */
  readonly closed: number
}

export class Firewall {
  readonly namespace: NetworkNamespace
  #holes: Holes

  constructor(namespace: NetworkNamespace, holes: Partial<Holes>) {
    this.namespace = namespace
    this.#holes = { ...ALL_OPEN, ...holes }
    const nat = { outside: OUTSIDE_NETWORK, publicAddresses: [PUBLIC], server: EDGE_OUTSIDE, rules: ['jump shut'] }
    const relays = `${RELAY_PORTS.min}-${RELAY_PORTS.max}`
    const ports = { tcpPorts: `${HTTPS_PORT}, ${TURN_PORT}`, udpPorts: `${TURN_PORT}, ${relays}` }
    loadRules(namespace, staticNat({ ...nat, ...ports, chains: CHAINS }))
    this.open({})
  }

  get holes(): Holes {
    return this.#holes
  }

  /** What is not named stays as it is. Calls that go through a hole stop when it is closed. */
  open(holes: Partial<Holes>): void {
    this.#holes = { ...this.#holes, ...holes }
    const shut = (Object.keys(SHUT) as (keyof Holes)[]).filter((hole) => !this.#holes[hole])
    const rules = shut.map((hole) => `add rule ip filter shut ${SHUT[hole]} counter name closed drop\n`)
    loadRules(this.namespace, `flush chain ip filter shut\n${rules.join('')}`)
  }

  counts(): FirewallCounts {
    return readCounters(this.namespace) as unknown as FirewallCounts
  }
}

const SHUT: Readonly<Record<keyof Holes, string>> = {
  https: `ip daddr ${EDGE_OUTSIDE} tcp dport ${HTTPS_PORT}`,
  turnTcp: `ip daddr ${EDGE_OUTSIDE} tcp dport ${TURN_PORT}`,
  udp: 'meta l4proto udp',
  relayRange: `ct state new ip daddr ${EDGE_OUTSIDE} udp dport ${RELAY_PORTS.min}-${RELAY_PORTS.max}`,
}

const COUNTED: Readonly<Record<string, readonly [protocol: string, port: string]>> = {
  https: ['tcp', String(HTTPS_PORT)],
  turnTcp: ['tcp', String(TURN_PORT)],
  turnUdp: ['udp', String(TURN_PORT)],
  relayRange: ['udp', `${RELAY_PORTS.min}-${RELAY_PORTS.max}`],
}

/** Rules that count decide nothing. */
const CHAINS = [
  ...['closed', ...Object.keys(COUNTED)].map((name) => `  counter ${name} { }`),
  '  chain shut { }',
  '  chain passing {',
  '    type filter hook forward priority filter + 10;',
  ...Object.entries(COUNTED).flatMap(([name, [protocol, port]]) => [
    `    ip daddr ${EDGE_OUTSIDE} ${protocol} dport ${port} counter name ${name}`,
    `    ip saddr ${EDGE_OUTSIDE} ${protocol} sport ${port} counter name ${name}`,
  ]),
  '  }',
].join('\n')
