// Payloads that say where they belong: flow number, sequence number, and a filling that depends on both.
// A flow is one sender and one destination as the sender named it; what arrives elsewhere, changed or invented is a failure.
import { ensure } from './failure.js'

interface Flow {
  readonly source: string
  readonly destination: string
  sequence: number
}

const HEADER_LENGTH = 8

export class Payloads {
  readonly #flows: Flow[] = []
  readonly #numbers = new Map<string, number>()

  /** The next payload of this flow, `fillLength` bytes longer than its header. */
  make(source: string, destination: string, fillLength: number): Uint8Array {
    const key = `${source} > ${destination}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#flows.push({ source, destination, sequence: 0 }) - 1
      this.#numbers.set(key, number)
    }
    return bytesOf(number, ++this.#flows[number].sequence, fillLength)
  }

  /** Throws unless this is a payload of that flow, whole. Empty ones name no flow. */
  check(payload: Uint8Array, source: string, destination: string): void {
    if (payload.length === 0) return
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
    ensure(payload.length >= HEADER_LENGTH, () => `a payload was cut to ${payload.length} bytes`)
    const flow = this.#flows.at(view.getUint32(0))
    const sequence = view.getUint32(4)
    ensure(flow !== undefined && sequence > 0 && sequence <= flow.sequence, () => 'a payload that nobody sent')
    ensure(
      flow.source === source && flow.destination === destination,
      () => `a payload of ${flow.source} > ${flow.destination} arrived as ${source} > ${destination}`,
    )
    const expected = bytesOf(view.getUint32(0), sequence, payload.length - HEADER_LENGTH)
    ensure(Buffer.compare(payload, expected) === 0, () => `a payload of ${source} > ${destination} was changed`)
  }
}

function bytesOf(flowNumber: number, sequence: number, fillLength: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + fillLength)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, flowNumber)
  view.setUint32(4, sequence)
  bytes.fill((flowNumber * 31 + sequence) & 0xff, HEADER_LENGTH)
  return bytes
}
