// Users and TURN REST secrets in Redis, over one connection: users are asked for when they log in, secrets are read every few seconds.
import { ErrorReply } from '@redis/client'
import type { OutsideAnswer, OutsideQuery, OutsideStore } from '../auth/outside-store.js'
import type { RedisAccess } from './redis-access.js'
import { type RedisClient, RedisConnection, type RedisPatience } from './redis-connection.js'
import { md5KeyOf, userKey } from './redis-layout.js'
import { RedisSecrets } from './redis-secrets.js'

export interface RedisNews {
  /** The TURN REST secrets of the realm, in a fixed order, when they are others than before. While the server is down the last ones hold. */
  noteSecrets(secrets: readonly string[]): void
  /** What is wrong, a sentence, or null when nothing is any more; only when that changes. */
  noteProblem(problem: string | null): void
}

export class RedisUsers implements OutsideStore {
  readonly name: string
  readonly #realm: string
  readonly #news: RedisNews
  readonly #secrets: RedisSecrets
  readonly #connection: RedisConnection
  #told: string | null = null

  /** Begins to connect, and goes on doing so where there is no server. */
  constructor(realm: string, access: RedisAccess, news: RedisNews, patience?: RedisPatience) {
    this.name = `--redis ${access.server.shown}`
    this.#realm = realm
    this.#news = news
    this.#secrets = new RedisSecrets(realm, news.noteSecrets)
    const watcher = {
      read: (client: RedisClient) => this.#readSecrets(client),
      noteState: (failure: Error | null) => this.#tell(failure ?? this.#secrets.problem),
    }
    this.#connection = new RedisConnection(access, watcher, patience)
  }

  async lookup({ username }: OutsideQuery, signal: AbortSignal): Promise<OutsideAnswer> {
    const key = userKey(this.#realm, username)
    if (key === null) return { kind: 'unknown' }
    const value = await this.#connection.ask((client) => client.get(key), signal)
    return value === null ? { kind: 'unknown' } : { kind: 'found', md5Key: md5KeyOf(value), freshSeconds: null }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #readSecrets(client: RedisClient): Promise<void> {
    try {
      await this.#secrets.read(client)
    } catch (error) {
      // Without an answer it is the connection that has a problem.
      if (error instanceof ErrorReply) this.#tell(this.#secrets.problem)
      throw error
    }
    this.#tell(this.#secrets.problem)
  }

  #tell(problem: Error | null): void {
    const text = problem?.message ?? null
    if (text === this.#told) return
    this.#told = text
    this.#news.noteProblem(text)
  }
}
