// What happened in a run, by name: the proof that the simulator was not idle.

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

/** What every long enough run must have seen: a count of 0 means that some part of the core was never tried. */
export const COVERAGE_NAMES: readonly string[] = [
  'allocation: made',
  'allocation: dual',
  'allocation: half of a dual',
  'allocation: IPv6',
  'allocation: even port',
  'allocation: over a stream',
  'allocation: answered again',
  'allocation: second life of a transaction',
  'allocation: ended by refresh',
  'allocation: ended by expired',
  'allocation: ended by client-closed',
  'allocation: ended by stopped',
  'relay: one of two ended by refresh',
  'relay: one of two ended by expired',
  'opening: tried again',
  'opening: failed',
  'opening: client went away',
  'opening: request repeated meanwhile',
  'opening: reported after the close',
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
  'peer to client: relay already closed',
  'client: vanished',
  'client: restarted',
  'client: nested',
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
