// The relay sockets that the simulated operating system holds: what the core opened and has not closed. No table of the core is read.
import { hostOf, portOf, withPort } from './address-text.js'
import { ensure } from './failure.js'
import type { HostPair, Scenario } from './scenario.js'

export interface RelaySocket {
  readonly relayId: number
  readonly bound: string
  readonly advertised: string
  readonly host: HostPair
  isLive: boolean
}

export class RelaySockets {
  readonly byRelay = new Map<number, RelaySocket>()
  readonly #byBound = new Map<string, RelaySocket>()
  readonly #scenario: Scenario

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  open(relayId: number, bound: string): RelaySocket {
    const host = this.#scenario.hosts.find((candidate) => candidate.bound === hostOf(bound))
    ensure(host !== undefined, () => `a relay socket on ${bound}, which is no relay address`)
    ensure(this.isInRange(portOf(bound)), () => `a relay socket on ${bound}, outside the range`)
    ensure(!this.byRelay.has(relayId), () => `relay ${relayId} has a socket already`)
    ensure(!this.#byBound.has(bound), () => `two relay sockets on ${bound}`)
    const advertised = withPort(host.advertised, portOf(bound))
    const socket = { relayId, bound, advertised, host, isLive: false }
    this.byRelay.set(relayId, socket)
    this.#byBound.set(bound, socket)
    return socket
  }

  close(relayId: number): RelaySocket {
    const socket = this.byRelay.get(relayId)
    ensure(socket !== undefined, () => `closed relay ${relayId}, which is not open`)
    this.byRelay.delete(relayId)
    this.#byBound.delete(socket.bound)
    return socket
  }

  at(bound: string): RelaySocket | null {
    return this.#byBound.get(bound) ?? null
  }

  liveCount(host: HostPair): number {
    let count = 0
    for (const socket of this.byRelay.values()) if (socket.isLive && socket.host === host) count++
    return count
  }

  /** The relay host with this advertised or bound IP address, or null. */
  hostNamed(name: string): HostPair | null {
    return this.#scenario.hosts.find((host) => host.bound === name || host.advertised === name) ?? null
  }

  /** Where a datagram to this address goes: relays are bound on the private side of the static NAT. */
  boundNameOf(address: string): string {
    const host = this.hostNamed(hostOf(address))
    return host === null ? address : withPort(host.bound, portOf(address))
  }

  isInRange(port: number): boolean {
    return port >= this.#scenario.minPort && port <= this.#scenario.maxPort
  }
}
