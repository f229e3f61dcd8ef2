// How far the inputs of a run have got: a fuzzer that is turned away at the door shows here.

const COUNTERS = {
  sent: 'sent',
  answered: 'answered',
  succeeded: 'succeeded behind authentication',
  refused: 'refused behind authentication',
  challenged: 'challenged',
  relayed: 'relayed to peers',
  returned: 'data from peers',
  tlsHandshakes: 'TLS handshakes',
  dtlsHandshakes: 'DTLS handshakes',
  proxied: 'PROXY headers believed',
  http: 'HTTP answers',
  upstream: 'requests at the upstream',
  bound: 'data connections',
  dataBytes: 'bytes through them',
  innocents: 'innocents served',
  innocentRetries: 'of them after a retry',
} as const

export type DepthCounter = keyof typeof COUNTERS

export class Depth {
  readonly #counts = new Map<DepthCounter, number>()

  add(counter: DepthCounter, count = 1): void {
    this.#counts.set(counter, this.of(counter) + count)
  }

  of(counter: DepthCounter): number {
    return this.#counts.get(counter) ?? 0
  }

  toString(): string {
    const names = Object.keys(COUNTERS) as DepthCounter[]
    return names.map((name) => `${this.of(name)} ${COUNTERS[name]}`).join(', ')
  }
}
