// GET /api/v1/events: server-sent events for every open page. What happens is written down once for all of them; a reader who does not keep up is
// dropped, and comes back by itself with what is true then.
import type { ServerResponse } from 'node:http'
import {
  EVENT_HEARTBEAT_MILLISECONDS,
  EVENT_RETRY_MILLISECONDS,
  EVENT_STREAM_COUNT_MAX,
  EVENT_WAITING_BYTES_MAX,
} from '../limits/admin.js'
import { type Administered, AdminProblem } from './administered.js'
import type { Sample } from './schema/status.js'

interface EventStream {
  readonly response: ServerResponse
  /** Its session may end while it is open. */
  readonly isStillIn: () => boolean
}

export class EventStreams {
  readonly #administered: Pick<Administered, 'status' | 'watch'>
  readonly #streams = new Set<EventStream>()
  #unwatch: (() => void) | null = null
  #heartbeat: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(administered: Pick<Administered, 'status' | 'watch'>) {
    this.#administered = administered
  }

  get count(): number {
    return this.#streams.size
  }

  /** Throws AdminProblem if there are too many. */
  checkRoom(): void {
    if (!this.#isClosed && this.#streams.size < EVENT_STREAM_COUNT_MAX) return
    throw new AdminProblem(
      503,
      'UNAVAILABLE',
      'too many pages follow this server: close some of them, or ask for GET /api/v1/status',
    )
  }

  /** Begins a stream: the answer is ours from here on. @param headers that go with it */
  open(
    response: ServerResponse,
    headers: Readonly<Record<string, number | string | string[] | undefined>>,
    isStillIn: () => boolean,
  ): void {
    const stream: EventStream = { response, isStillIn }
    this.#streams.add(stream)
    response.once('close', () => this.#forget(stream))
    response.on('error', () => {})
    response.writeHead(200, {
      ...definedIn(headers),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    response.write(`retry: ${EVENT_RETRY_MILLISECONDS}\n\n${this.#statusText()}`)
    this.#unwatch ??= this.#administered.watch({ sample: (sample) => this.#publish(sample) })
    this.#heartbeat ??= setInterval(() => this.#write(Buffer.from(':\n\n')), EVENT_HEARTBEAT_MILLISECONDS).unref()
  }

  /** Ends all streams, and takes no more. */
  close(): void {
    this.#isClosed = true
    for (const { response } of this.#streams) response.end()
  }

  #publish(sample: Sample): void {
    this.#write(Buffer.from(`event: sample\ndata: ${JSON.stringify(sample)}\n\n${this.#statusText()}`))
  }

  #statusText(): string {
    return `event: status\ndata: ${JSON.stringify(this.#administered.status())}\n\n`
  }

  #write(bytes: Buffer): void {
    for (const { isStillIn, response } of this.#streams) {
      if (!isStillIn()) response.end()
      else if (response.writableLength > EVENT_WAITING_BYTES_MAX) response.destroy()
      else response.write(bytes)
    }
  }

  #forget(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#unwatch?.()
    this.#unwatch = null
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    this.#heartbeat = null
  }
}

function definedIn(headers: Readonly<Record<string, number | string | string[] | undefined>>) {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Record<string, number | string | string[]>
}
