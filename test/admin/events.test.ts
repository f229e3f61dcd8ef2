// The stream of events: what comes, to how many, and what becomes of those who do not read, whose session ends, or who come back.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { EVENT_STREAM_COUNT_MAX, EVENT_WAITING_BYTES_MAX } from '../../src/limits/admin.js'
import { withDeadline } from '../support/deadline.js'
import { ask, bearer, begin, connectTo, logIn, openStage, readAll } from './support/admin-stage.js'

interface StreamEvent {
  readonly event: string
  readonly data: unknown
}

/** Reads a stream as a browser does. */
class EventReader {
  readonly response: IncomingMessage
  readonly events: StreamEvent[] = []
  retry = ''
  #text = ''
  #onEvent: () => void = () => {}

  constructor(t: Test, response: IncomingMessage) {
    this.response = response
    t.teardown(() => response.destroy())
    response.on('error', () => {})
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (this.#text + chunk).split('\n\n')
      this.#text = blocks.pop() ?? ''
      for (const block of blocks) this.#take(block)
      this.#onEvent()
    })
  }

  async read(count: number): Promise<StreamEvent[]> {
    const enough = new Promise<void>((resolve) => {
      this.#onEvent = () => this.events.length >= count && resolve()
      this.#onEvent()
    })
    await withDeadline(enough, 60_000, () => `only ${this.events.length} events`)
    return this.events
  }

  #take(block: string): void {
    const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)))
    if (fields.retry !== undefined) this.retry = fields.retry
    if (fields.data !== undefined) this.events.push({ event: fields.event, data: JSON.parse(fields.data) })
  }
}

t.test('the stream of events', async (t) => {
  t.test('begins with the status, and has a sample and the status each second', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    t.equal(fake.watchers.size, 0, 'nobody is asked while nobody looks')
    const reader = new EventReader(t, await begin(server, { path: '/api/v1/events', headers }))
    await reader.read(1)
    t.equal(fake.watchers.size, 1)
    t.match(reader.response.headers, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    t.equal(reader.retry, '2000')
    fake.statusValue = 'Draining'
    fake.tick()
    fake.tick()
    const events = await reader.read(5)
    t.same(
      events.map(({ event }) => event),
      ['status', 'sample', 'status', 'sample', 'status'],
    )
    t.match(events[0].data, { status: 'Active' })
    t.match(events[2].data, { status: 'Draining' })
    t.match(events[1].data, { clients: 3, cpuCores: 0.1 })
  })

  t.test('is written down once for all, and ends its watching with the last reader', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const readers = await Promise.all(
      Array.from(
        { length: 3 },
        async () => new EventReader(t, await begin(server, { path: '/api/v1/events', headers })),
      ),
    )
    await Promise.all(readers.map((reader) => reader.read(1)))
    t.equal(fake.watchers.size, 1)
    let statusCount = 0
    const { status } = fake
    fake.status = () => {
      statusCount++
      return status.call(fake)
    }
    fake.tick()
    await Promise.all(readers.map((reader) => reader.read(3)))
    t.equal(statusCount, 1)
    const unwatched = new Promise<void>((resolve) => {
      const remove = fake.watchers.delete.bind(fake.watchers)
      fake.watchers.delete = (events) => {
        resolve()
        return remove(events)
      }
    })
    for (const { response } of readers) response.destroy()
    await withDeadline(unwatched, 60_000, () => 'it is still watched')
    t.equal(fake.watchers.size, 0)
    const again = new EventReader(t, await begin(server, { path: '/api/v1/events', headers }))
    await again.read(1)
    t.equal(fake.watchers.size, 1, 'who comes back is served')
  })

  t.test('ends when its session does', async (t) => {
    const { fake, server } = await openStage(t)
    const token = await logIn(server)
    const readers = [bearer(token), { cookie: `turnd_session_${server.address.port}=${token}` }].map(
      async (headers) => new EventReader(t, await begin(server, { path: '/api/v1/events', headers })),
    )
    for (const reader of await Promise.all(readers)) await reader.read(1)
    const ends = (await Promise.all(readers)).map(({ response }) => once(response, 'end'))
    await ask(server, { method: 'DELETE', path: '/api/v1/session', headers: bearer(token) })
    fake.tick()
    await withDeadline(Promise.all(ends), 60_000, () => 'a stream goes on')
  })

  t.test('drops a reader who does not read, before much waits for him', async (t) => {
    const { fake, server } = await openStage(t)
    const token = await logIn(server)
    const good = new EventReader(t, await begin(server, { path: '/api/v1/events', headers: bearer(token) }))
    const slow = await connectTo(t, server)
    slow.write(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await once(slow, 'data')
    slow.pause()
    // A status that is larger than usual fills the kernel's buffers quickly.
    const { status } = fake
    fake.status = () => ({ ...status.call(fake), uris: ['x'.repeat(EVENT_WAITING_BYTES_MAX)] })
    const closed = once(slow, 'close')
    slow.on('error', () => {})
    for (let count = 1; count <= 64; count++) {
      fake.tick()
      await good.read(1 + 2 * count)
    }
    slow.resume()
    await withDeadline(closed, 60_000, () => 'the slow reader is still there')
    fake.tick()
    await good.read(131)
  })

  t.test('is for so many, and others are told', async (t) => {
    const { server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const streams = await Promise.all(
      Array.from({ length: EVENT_STREAM_COUNT_MAX }, () => begin(server, { path: '/api/v1/events', headers })),
    )
    t.ok(streams.every(({ statusCode }) => statusCode === 200))
    const refused = await ask(server, { path: '/api/v1/events', headers })
    t.equal(refused.status, 503)
    t.match(refused.json(), { message: /close some of them/ })
    t.equal((await ask(server, { path: '/api/v1/status', headers })).status, 200)
    for (const stream of streams) stream.on('error', () => {}).destroy()
  })

  t.test('is not opened by HEAD', async (t) => {
    const { fake, server } = await openStage(t)
    const socket = await connectTo(t, server)
    const token = await logIn(server)
    socket.write(
      `HEAD /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    t.match(await readAll(socket), /^HTTP\/1\.1 404 /)
    t.equal(fake.watchers.size, 0)
  })
})
