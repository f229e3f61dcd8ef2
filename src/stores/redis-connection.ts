// One connection to a Redis server, which is made again whenever it ends. Each is a client of the library that never reconnects, has no queue for
// later and repeats nothing: whether there is a connection is known here, and whoever asks without one is told at once.
import { setTimeout as pause } from 'node:timers/promises'
import { ConnectionTimeoutError, createClient, ErrorReply } from '@redis/client'
import {
  REDIS_COMMAND_COUNT_MAX,
  REDIS_OPEN_MILLISECONDS_MAX,
  REDIS_PAUSE_MILLISECONDS_MAX,
  REDIS_PAUSE_MILLISECONDS_MIN,
  REDIS_READ_MILLISECONDS,
  REDIS_SILENCE_MILLISECONDS_MAX,
} from '../limits/redis.js'
import type { RedisAccess } from './redis-access.js'
import { CLOSED, failureOf, isOfTheConnection, RedisFailure, SILENT } from './redis-failures.js'

/** Milliseconds; see src/limits/redis.ts. */
export interface RedisPatience {
  readonly open: number
  readonly betweenReads: number
  readonly silence: number
  readonly pauseMin: number
  readonly pauseMax: number
}

const PATIENCE: RedisPatience = {
  open: REDIS_OPEN_MILLISECONDS_MAX,
  betweenReads: REDIS_READ_MILLISECONDS,
  silence: REDIS_SILENCE_MILLISECONDS_MAX,
  pauseMin: REDIS_PAUSE_MILLISECONDS_MIN,
  pauseMax: REDIS_PAUSE_MILLISECONDS_MAX,
}

export type RedisClient = ReturnType<typeof clientOf>

export interface RedisWatcher {
  /** Asks the server something that does no harm: at the beginning of each connection, and every few seconds. Its errors are not the server's. */
  read(client: RedisClient): Promise<void>
  /** After each try that has failed and each reading but the first: whoever closes connections as they begin has not come back. */
  noteState(failure: RedisFailure | null): void
}

export class RedisConnection {
  readonly #access: RedisAccess
  readonly #watcher: RedisWatcher
  readonly #patience: RedisPatience
  readonly #closing = new AbortController()
  readonly #finished: Promise<void>
  readonly #firstTry = new Deferred<void>()
  /** While there is a server that answers. */
  #client: RedisClient | null = null
  /** Why there is none; null before the first try has ended. */
  #failure: RedisFailure | null = null
  /** Ends the present try or connection. */
  #leave: (failure: RedisFailure) => void = () => {}

  /** Begins to connect. */
  constructor(access: RedisAccess, watcher: RedisWatcher, patience = PATIENCE) {
    this.#access = access
    this.#watcher = watcher
    this.#patience = patience
    this.#finished = this.#run()
  }

  /** Rejects with a RedisFailure, at once where there is no connection. The signal ends the waiting, not the command. */
  async ask<Reply>(command: (client: RedisClient) => Promise<Reply>, signal: AbortSignal): Promise<Reply> {
    if (this.#client === null && this.#failure === null) await orAborted(this.#firstTry.promise, signal)
    const client = this.#client
    if (client === null) throw this.#failure ?? new RedisFailure(CLOSED)
    try {
      return await orAborted(command(client), signal)
    } catch (error) {
      throw (this.#client === client ? null : this.#failure) ?? failureOf(error, this.#access.server.isTls, true)
    }
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#leave(new RedisFailure(CLOSED))
    await this.#finished
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { pauseMax, pauseMin } = this.#patience
    let pauseMilliseconds = pauseMin
    while (!signal.aborted) {
      const hasLasted = await this.#connectOnce()
      this.#firstTry.resolve()
      if (signal.aborted) return
      this.#watcher.noteState(this.#failure)
      // Servers that lost it together do not come back together.
      await pause(pauseMilliseconds * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      pauseMilliseconds = hasLasted ? pauseMin : Math.min(2 * pauseMilliseconds, pauseMax)
    }
  }

  /** Resolves when the connection has ended, or there was none. Was it of any use? */
  async #connectOnce(): Promise<boolean> {
    const { betweenReads, open, silence } = this.#patience
    const socket = new AbortController()
    const end = new Deferred<never>()
    this.#leave = end.reject
    const client = clientOf(this.#access, socket.signal)
    client.on('error', end.reject)
    let readCount = 0
    try {
      await Promise.race([end.promise, withinTime(this.#open(client), open)])
      this.#client = client
      this.#firstTry.resolve()
      for (; ; readCount++) {
        await Promise.race([end.promise, pause(betweenReads, undefined, { signal: socket.signal })])
        await Promise.race([end.promise, withinTime(this.#read(client), silence)])
        this.#watcher.noteState(null)
      }
    } catch (error) {
      this.#failure = failureOf(error, this.#access.server.isTls, this.#client !== null)
      this.#client = null
      return readCount > 0
    } finally {
      // The library knows a socket when it is connected: before that the signal ends it.
      socket.abort()
      client.destroy()
    }
  }

  async #open(client: RedisClient): Promise<void> {
    await client.connect()
    await this.#read(client)
  }

  async #read(client: RedisClient): Promise<void> {
    try {
      await this.#watcher.read(client)
    } catch (error) {
      // Another error is an answer: the server is there.
      if (!(error instanceof ErrorReply) || isOfTheConnection(error)) throw error
    }
  }
}

/** A promise, and what settles it. */
class Deferred<Result> {
  readonly promise: Promise<Result>
  resolve!: (result: Result) => void
  reject!: (error: Error) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

function clientOf({ ca, password, server }: RedisAccess, signal: AbortSignal) {
  const { database, host, isTls, path, port, username } = server
  const common = { connectTimeout: REDIS_OPEN_MILLISECONDS_MAX, reconnectStrategy: false as const, signal }
  // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
  const verified = { tls: true as const, rejectUnauthorized: true, ...(ca === null ? {} : { ca }) }
  const tls = isTls ? verified : {}
  return createClient({
    // What servers of all ages speak; nothing of RESP3 is needed.
    RESP: 2,
    ...{ disableOfflineQueue: true, commandsQueueMaxLength: REDIS_COMMAND_COUNT_MAX },
    ...{ maintNotifications: 'disabled' as const, disableClientInfo: true, database },
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    socket: path === null ? { ...common, host: host ?? '', port, ...tls } : { ...common, path, tls: false as const },
  })
}

/** Rejects with a ConnectionTimeoutError when the time is over. */
async function withinTime<Result>(promise: Promise<Result>, milliseconds: number): Promise<Result> {
  const tooLate = new Deferred<never>()
  const timer = setTimeout(() => tooLate.reject(new ConnectionTimeoutError()), milliseconds)
  try {
    return await Promise.race([promise, tooLate.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Rejects with SILENT when the signal ends it first. */
async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = new Deferred<never>()
  const abort = () => aborted.reject(new RedisFailure(SILENT))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
