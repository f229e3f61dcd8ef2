// Data connections of RFC 6062: the stream leaves with exactly the bytes that follow the ConnectionBind.
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { ClientStreams } from '../../../src/net/stream/client-streams.js'
import type { FiveTuple } from '../../../src/turn/five-tuple.js'
import { withDeadline } from '../../support/deadline.js'
import { bindingRequest, bytesOf, StreamClient } from './stream-client.js'
import { type Bound, StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const CONNECTION_ID = 0xffff_fff0
const HANDLE = 12
const certificate = writeTestCertificate(t, 'one.example.org')

/** A core that binds each client at its second frame, answering it with its own bytes. */
function bindingCore(streams: ClientStreams) {
  let count = 0
  return {
    handleClientFrame: (client: FiveTuple, bytes: Uint8Array, start: number, end: number) => {
      streams.sendToClient(client, bytes, start, end)
      if (++count % 2 === 0) streams.bindPeerConnection(client, CONNECTION_ID, HANDLE)
      return 0
    },
    handleClientClosed: () => {},
    hasAllocation: () => false,
  }
}

/** What a bound stream reads, the rest first, until it has so many bytes. */
function read(bound: Bound, length: number): Promise<Buffer> {
  let all = Buffer.from(bound.rest)
  const whole = new Promise<Buffer>((resolve) => {
    const take = () => {
      if (all.length >= length) resolve(all)
    }
    bound.stream?.on('data', (chunk) => {
      all = Buffer.concat([all, chunk])
      take()
    })
    bound.stream?.resume()
    take()
  })
  return withDeadline(whole, 60_000, () => `only ${all.length} bytes`)
}

t.test('a bound connection', async (t) => {
  for (const isSecure of [false, true]) {
    const kind = isSecure ? 'TLS' : 'TCP'
    const open = (t: Test, stage: StreamStage) =>
      isSecure ? StreamClient.openTls(t, stage.ports.tls) : StreamClient.open(t, stage.ports.tcp)

    t.test(`over ${kind} leaves with the bytes that follow, whatever they look like, after its answer`, async (t) => {
      const stage = await StreamStage.open(t, { certificate, core: bindingCore })
      const raw = bytesOf(100_000, 7)
      for (const together of [0, 1, 3, 20, 5000]) {
        const client = await open(t, stage)
        const requests = [bindingRequest(), bindingRequest()]
        client.write(...requests, raw.subarray(0, together))
        const bound = await stage.bound.next()
        t.match(bound, { connectionId: CONNECTION_ID, handle: HANDLE })
        t.equal(bound.rest.length, together, 'what came in the same segment')
        t.equal(bound.stream?.isPaused(), true)
        bound.stream?.write('raw to the client')
        client.write(raw.subarray(together))
        t.ok((await read(bound, raw.length)).equals(raw))
        const expected = Buffer.concat([...requests, Buffer.from('raw to the client')])
        await stage.until('raw bytes', () => client.received.length === expected.length)
        t.ok(client.received.equals(expected), 'the answer came first')
        bound.stream?.destroy()
        await client.closed()
      }
      t.same(stage.closedClients.items, [], 'its end is told by who has it now')
      t.equal(stage.streams.connectionCount, 0)
    })

    t.test(`over ${kind} may be closed one way`, async (t) => {
      const stage = await StreamStage.open(t, { certificate, core: bindingCore })
      const client = await open(t, stage)
      client.write(bindingRequest(), bindingRequest())
      client.socket.end(Buffer.from('all I had'))
      const bound = await stage.bound.next()
      const ended = new Promise<void>((resolve) => bound.stream?.once('end', () => resolve()))
      t.equal((await read(bound, 9)).toString(), 'all I had')
      await withDeadline(ended, 60_000, () => 'no end')
      bound.stream?.write('answer')
      await stage.until('an answer', () => client.received.includes('answer'))
      bound.stream?.end()
      await client.closed()
    })
  }

  t.test('has left the count, its deadlines, and close()', async (t) => {
    const stage = await StreamStage.open(t, { core: bindingCore, capCountMax: 1 })
    const client = await StreamClient.open(t, stage.ports.tcp)
    client.write(bindingRequest(), bindingRequest())
    const { stream } = await stage.bound.next()
    const second = await StreamClient.open(t, stage.ports.tcp)
    second.write(bindingRequest())
    await second.message()
    stage.advance(1_000_000)
    await second.closed()
    stage.streams.close()
    t.equal(stream?.destroyed, false)
    for (const event of ['data', 'end', 'close']) t.equal(listenersOfTest(stream, event), 0, event)
    stream?.destroy()
  })

  t.test('that has gone leaves nobody: its handle is given back, after the core has returned', async (t) => {
    let isInCore = false
    const core = (streams: ClientStreams) => ({
      handleClientFrame: (client: FiveTuple) => {
        isInCore = true
        streams.closeClient(client)
        streams.bindPeerConnection(client, CONNECTION_ID, HANDLE)
        isInCore = false
        return 0
      },
      handleClientClosed: () => t.equal(isInCore, false),
      hasAllocation: () => false,
    })
    const stage = await StreamStage.open(t, { core })
    const put = stage.bound.put.bind(stage.bound)
    stage.bound.put = (bound) => {
      t.equal(isInCore, false)
      put(bound)
    }
    const client = await StreamClient.open(t, stage.ports.tcp)
    client.write(bindingRequest())
    t.match(await stage.bound.next(), { connectionId: CONNECTION_ID, handle: HANDLE, stream: null })
    await client.closed()
  })
})

/** Listeners that ClientStreams may have left: Node has some of its own. */
function listenersOfTest(stream: Socket | null, event: string): number {
  return (stream?.listeners(event) ?? []).filter((listener) => /handle(?:Bytes|End|Closed)/.test(String(listener)))
    .length
}
