// What the engine was told to send, against what leaves its sockets: the same datagrams, unchanged, from and to the same addresses, in
// order within a flow, with DF bit and traffic class. Only what the kernel refused may be missing, and must have been counted.
//
// A flow is a pair of transport addresses.
import { EAGAIN, EINVAL, EIO, EMSGSIZE, ENOBUFS } from '../../src/net/native/layout.js'
import { ensure, fail } from './failure.js'
import type { Departure } from './inputs.js'

interface Expected {
  readonly departure: Departure
  /** How often the kernel refused it, alone, for what may be an earlier packet's error. */
  refusalCount: number
  mayBeLost: boolean
}

/** A datagram as it was on the wire, or was to be. */
export interface WireDatagram {
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
  /** As far as the engine can tell the kernel. */
  readonly trafficClass?: number
  readonly dontFragment?: boolean | null
}

export class SentLedger {
  sentCount = 0
  sentBytes = 0
  lostCount = 0
  readonly #flows = new Map<string, Expected[]>()
  #latest: Expected | null = null

  expect(departure: Departure): void {
    const key = `${departure.from} > ${departure.to}`
    const expected: Expected = { departure, refusalCount: 0, mayBeLost: false }
    this.#latest = expected
    const queue = this.#flows.get(key)
    if (queue === undefined) this.#flows.set(key, [expected])
    else queue.push(expected)
  }

  /** A datagram has left. Returns what asked for it. */
  take(datagram: WireDatagram): Departure {
    const { from, to, bytes } = datagram
    const queue = this.#flows.get(`${from} > ${to}`) ?? []
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (isAsAsked(datagram, next.departure)) {
        this.sentCount++
        this.sentBytes += bytes.length
        // Of two that look the same (empty ones), one was refused and the other has left: nobody can say which.
        const twin = next.mayBeLost ? certain(queue, datagram) : undefined
        if (twin !== undefined) twin.mayBeLost = true
        return next.departure
      }
      ensure(next.mayBeLost, () => wrongDatagram(datagram, next.departure, queue))
      this.lostCount++
    }
    return fail(`${bytes.length} bytes from ${from} to ${to}, which nobody asked for`)
  }

  /** The kernel has refused one message of these datagrams. */
  refuse(datagrams: readonly WireDatagram[], errno: number): void {
    const [{ from, to }] = datagrams
    // The socket is full: the engine does not try what follows.
    if (errno === EAGAIN) this.mayLoseAllFrom(from)
    // Of two that look the same (an answer said again), each is refused once.
    const refused = new Set<Expected>()
    for (const datagram of datagrams) {
      const rest = (this.#flows.get(`${from} > ${to}`) ?? []).filter((expected) => !refused.has(expected))
      const expected = certain(rest, datagram)
      // Already allowed to be lost, or changed: then it is found when it leaves.
      if (expected === undefined) continue
      refused.add(expected)
      expected.refusalCount++
      // Segments must be tried one by one.
      if (datagrams.length > 1 && (errno === EINVAL || errno === EIO || errno === EMSGSIZE)) continue
      expected.mayBeLost = expected.refusalCount > 1 || !mayBeOfAnother(datagram, errno)
    }
  }

  /** What was expected last may be lost: the engine finds the socket's queue full. */
  mayLoseLatest(): void {
    if (this.#latest !== null) this.#latest.mayBeLost = true
  }

  /** What is on its way from this address may be lost: its socket is full, or closed with a full queue. */
  mayLoseAllFrom(from: string): void {
    for (const queue of this.#flows.values()) {
      if (queue.at(0)?.departure.from !== from) continue
      for (const expected of queue) expected.mayBeLost = true
    }
  }

  /** The engine has nothing left to send. `what` may follow `mayBeLost` in its queue, if that was refused. */
  endRound(): void {
    for (const [key, queue] of this.#flows) {
      for (const { departure, mayBeLost } of queue) {
        ensure(mayBeLost, () => `${departure.bytes.length} bytes of ${departure.effect.kind} never left: ${key}`)
        this.lostCount++
      }
    }
    this.#flows.clear()
  }
}

/** May it be an earlier packet's ICMP error that the call reports? Then the engine tries that one again. */
function mayBeOfAnother({ dontFragment }: WireDatagram, errno: number): boolean {
  return errno !== EAGAIN && errno !== ENOBUFS && !(errno === EMSGSIZE && dontFragment === true)
}

/** The first that is this datagram and must leave. */
function certain(queue: readonly Expected[], datagram: WireDatagram): Expected | undefined {
  return queue.find(({ departure, mayBeLost }) => !mayBeLost && isAsAsked(datagram, departure))
}

function isAsAsked({ bytes, dontFragment, trafficClass }: WireDatagram, asked: Departure): boolean {
  return (
    Buffer.compare(asked.bytes, bytes) === 0 &&
    (trafficClass === undefined || trafficClass === asked.trafficClass) &&
    (dontFragment === undefined || asked.dontFragment === null || dontFragment === asked.dontFragment)
  )
}

function wrongDatagram(datagram: WireDatagram, asked: Departure, later: readonly Expected[]): string {
  const isLater = later.some(({ departure }) => isAsAsked(datagram, departure))
  const what = isLater ? 'was sent before its turn' : 'is not what was asked for'
  return `a datagram from ${asked.from} to ${asked.to} ${what}: ${describe(datagram)}; asked for ${describe(asked)}`
}

function describe({ bytes, dontFragment, trafficClass }: WireDatagram): string {
  const head = Buffer.from(bytes.subarray(0, 24)).toString('hex')
  return `${bytes.length} bytes ${head}…, class ${trafficClass}, DF ${dontFragment}`
}
