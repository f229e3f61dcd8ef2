// What waits for sides of data connections that do not read is bounded for all of them together: none is read from while others have it all.
import { Duplex } from 'node:stream'
import t from 'tap'
import { FLOW_QUEUED_BYTES_MAX } from '../../../src/limits/streams.js'
import { Flow, FlowMemory } from '../../../src/net/tcp-relay/flow.js'

const CHUNK_BYTES = 32 * 1024

/** A side that sends without end, and one that reads when a test says so. */
class Side extends Duplex {
  sentBytes = 0
  isReading = false
  #waiting: (() => void)[] = []

  override _read(): void {
    this.sentBytes += CHUNK_BYTES
    setImmediate(() => this.push(Buffer.alloc(CHUNK_BYTES)))
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.isReading) done()
    else this.#waiting.push(done)
  }

  readOn(): void {
    this.isReading = true
    for (const done of this.#waiting.splice(0)) done()
  }
}

function startFlow(memory: FlowMemory): { source: Side; sink: Side } {
  const [source, sink] = [new Side(), new Side()]
  new Flow(source, sink, () => true, new Set(), memory).start(new Uint8Array(0))
  return { source, sink }
}

/** The event loop turns until nothing is read any more. */
async function settled(flows: readonly { source: Side }[]): Promise<void> {
  const sent = () => flows.reduce((sum, { source }) => sum + source.sentBytes, 0)
  for (let quiet = 0, last = -1; quiet < 10; quiet = sent() === last ? quiet + 1 : 0) {
    last = sent()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('what waits for sides that do not read', async (t) => {
  t.test('is 256 KiB and a read for one alone', async (t) => {
    const memory = new FlowMemory()
    const flow = startFlow(memory)
    await settled([flow])
    t.ok(flow.sink.writableLength > FLOW_QUEUED_BYTES_MAX, `${flow.sink.writableLength} bytes`)
    t.ok(flow.sink.writableLength <= FLOW_QUEUED_BYTES_MAX + CHUNK_BYTES)
    t.equal(memory.usedBytes, flow.sink.writableLength)
  })

  t.test('is little more than a read for each of many, and comes back when they read or are closed', async (t) => {
    const memory = new FlowMemory(1024 * 1024)
    const flows = Array.from({ length: 64 }, () => startFlow(memory))
    await settled(flows)
    t.ok(memory.usedBytes <= 1024 * 1024 + flows.length * CHUNK_BYTES, `${memory.usedBytes} bytes`)
    t.ok(memory.usedBytes < (64 * FLOW_QUEUED_BYTES_MAX) / 4)
    const [first, ...others] = flows
    const { sentBytes } = first.source
    for (const { sink, source } of others) {
      source.destroy()
      sink.destroy()
    }
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(memory.usedBytes, first.sink.writableLength, 'those that are closed hold nothing')
    first.sink.readOn()
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    t.ok(first.source.sentBytes > sentBytes, 'and one that reads is read from')
    first.source.destroy()
    first.sink.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(memory.usedBytes, 0)
  })
})
