// The range of relay ports: enough for the licence, and not the one from which the system takes ports for everybody.
import { type Check, type Judgement, warning, well } from '../check.js'
import type { InsideScene } from './scene.js'

export interface RelayPortsFacts {
  readonly minPort: number
  readonly maxPort: number
  readonly maxAllocations: number
  /** net.ipv4.ip_local_port_range; null where the system does not say. */
  readonly localPorts: readonly [min: number, max: number] | null
  /** net.ipv4.ip_local_reserved_ports: `24000-29999,40000`. */
  readonly reservedPorts: string
}

export function judgeRelayPorts({
  localPorts,
  maxAllocations,
  maxPort,
  minPort,
  reservedPorts,
}: RelayPortsFacts): Judgement[] {
  const judged: Judgement[] = []
  const count = maxPort - minPort + 1
  if (count < maxAllocations) {
    judged.push(
      warning(
        `the relay range ${minPort}-${maxPort} has ${count} ports, and --max-allocations ${maxAllocations} allows more relays than that`,
        `Widen --min-port and --max-port to ${maxAllocations} ports or more (and the firewall with them), or lower --max-allocations`,
      ),
    )
  }
  const isShared = localPorts !== null && minPort <= localPorts[1] && maxPort >= localPorts[0]
  if (isShared && !isReserved(Math.max(minPort, localPorts[0]), Math.min(maxPort, localPorts[1]), reservedPorts)) {
    judged.push(
      warning(
        `the relay range ${minPort}-${maxPort} overlaps the ports that the system gives to outgoing connections (${localPorts[0]}-${localPorts[1]}), which may take one that a relay wants`,
        `Run sysctl -w net.ipv4.ip_local_reserved_ports=${minPort}-${maxPort} (and keep it in /etc/sysctl.d), or choose a range below ${localPorts[0]}`,
      ),
    )
  }
  return judged.length > 0
    ? judged
    : [well(`the relay range ${minPort}-${maxPort} has ${count} ports for ${maxAllocations} allocations`)]
}

function isReserved(first: number, last: number, reserved: string): boolean {
  const ranges = reserved
    .trim()
    .split(',')
    .filter((text) => text !== '')
    .map((text) => text.split('-').map(Number))
  return ranges.some(([from, to = from]) => from <= first && to >= last)
}

export const relayPorts: Check<InsideScene> = {
  id: 'relay-ports',
  needs: ['configuration'],
  async run({ machine, settings: { maxAllocations, maxPort, minPort } }) {
    const [min, max] = (machine.readText('/proc/sys/net/ipv4/ip_local_port_range') ?? '')
      .trim()
      .split(/\s+/)
      .map(Number)
    const reservedPorts = machine.readText('/proc/sys/net/ipv4/ip_local_reserved_ports') ?? ''
    const localPorts = min > 0 && max > 0 ? ([min, max] as const) : null
    return judgeRelayPorts({ minPort, maxPort, maxAllocations, localPorts, reservedPorts })
  },
}
