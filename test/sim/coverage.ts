// What happened in a run, by name: the proof that the simulator was not idle.
import type { RimName } from './rim.js'

export class Coverage {
  readonly counts = new Map<string, number>()

  count(name: string, amount = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + amount)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  merge(other: Coverage): void {
    for (const [name, amount] of other.counts) this.count(name, amount)
  }

  /** One line per name, in alphabetical order. */
  toString(): string {
    const names = [...this.counts.keys()].sort()
    return names.map((name) => `  ${name.padEnd(44)} ${String(this.of(name)).padStart(10)}`).join('\n')
  }
}

/** What every long enough run must have seen: a count of 0 means that some part was never tried. */
const COMMON: readonly string[] = [
  'allocation: made',
  'allocation: dual',
  'allocation: half of a dual',
  'allocation: IPv6',
  'allocation: even port',
  'allocation: answered again',
  'allocation: second life of a transaction',
  'allocation: ended by refresh',
  'allocation: ended by expired',
  'allocation: ended by stopped',
  'relay: one of two ended by refresh',
  'relay: one of two ended by expired',
  'opening: tried again',
  'opening: failed',
  'opening: request repeated meanwhile',
  'reservation: made',
  'reservation: claimed',
  'reservation: expired',
  'reservation: wrong user tried it',
  'reservation: opening failed',
  'answer: same again',
  'permission: installed',
  'channel: bound',
  'client to peer: sent',
  'client to peer: hairpin',
  'client to peer: withheld',
  'client to peer: empty',
  'peer to client: indication',
  'peer to client: channel data',
  'peer to client: hairpin',
  'peer to client: withheld',
  'client: vanished',
  'client: restarted',
  'client: nested',
  'burst: sent',
  'burst: channel bound anew',
  'network: lost',
  'network: overtaken',
  'network: repeated',
  'time: moved to an expiry',
  'time: paused',
  'refused: unknown-user',
  'refused: bad-password',
  'refused: stale-nonce',
  'refused: allocation-exists',
  'refused: no-allocation',
  'refused: wrong-credentials',
  'refused: unsupported-address-family',
  'refused: peer-family-mismatch',
  'refused: reservation-invalid',
  'refused: user-quota',
  'refused: licence',
  'refused: no-relay-port',
  'refused: relay-failed',
  'refused: draining',
  'refused: peer-policy',
  'refused: permission-limit',
  'refused: channel-limit',
  'refused: channel-number',
  'refused: channel-conflict',
  'refused: nested-client',
]

const BY_RIM: Readonly<Record<RimName, readonly string[]>> = {
  bare: [
    'allocation: over a stream',
    'allocation: ended by client-closed',
    'opening: client went away',
    'opening: reported after the close',
    'peer to client: relay already closed',
    'client to peer: DONT-FRAGMENT',
    'ICMP error: told',
    'ICMP error: withheld',
  ],
  native: [
    'client to peer: DONT-FRAGMENT',
    'ICMP error: told',
    'ICMP error: withheld',
    'engine: round',
    'engine: to-peer in segments',
    'engine: channel-data in segments',
    'engine: message in segments',
    'engine: DF bit',
    'engine: traffic class carried',
    'engine: packet too long for the own machine',
    'engine: datagram at a socket that is just being opened',
    'engine: wildcard listener',
    'engine: without GRO',
    'engine: without GSO',
    'kernel: coalesced buffer',
    'kernel: truncated buffer',
    'kernel: slot reused in a round',
    'kernel: descriptor reused in a round',
    'kernel: segmented send',
    'kernel: partial send',
    'kernel: refused segmentation',
    'kernel: refused segments for another reason',
    'kernel: refused EAGAIN',
    'kernel: refused ENOBUFS',
    'kernel: refused ECONNREFUSED',
    'kernel: refused EMSGSIZE',
    'kernel: wait interrupted',
    'kernel: watch refused',
    'kernel: error read',
  ],
  dgram: ['engine: round', 'dgram: send queued', 'dgram: queue full', 'dgram: closed with packets in the queue'],
}

export function coverageNamesOf(rim: RimName): readonly string[] {
  return [...COMMON, ...BY_RIM[rim]]
}
