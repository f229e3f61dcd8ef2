// Users and TURN REST secrets in Redis, over one connection: users are asked for when they log in, secrets are read every few seconds.
import type { OutsideAnswer, OutsideQuery, OutsideStore, SecretsOfStore, StateOfStore } from '../auth/outside-store.js'
import type { RedisAccess } from './redis-access.js'
import { type RedisClient, RedisConnection, type RedisPatience } from './redis-connection.js'
import { RedisNonsense } from './redis-failures.js'
import { md5KeyOf, userKey } from './redis-layout.js'
import { RedisSecrets } from './redis-secrets.js'

export class RedisUsers implements OutsideStore, SecretsOfStore, StateOfStore {
  readonly name: string
  onSecrets: SecretsOfStore['onSecrets'] = null
  onProblem: StateOfStore['onProblem'] = null
  readonly #realm: string
  readonly #noteProblem: (problem: string | null) => void
  readonly #secrets: RedisSecrets
  readonly #connection: RedisConnection
  #told: string | null = null
  #problem: string | null = null

  /**
   * Begins to connect, and goes on doing so where there is no server.
   * @param noteProblem gets what is wrong, a sentence, or null when nothing is any more; only when that changes
   */
  constructor(
    realm: string,
    access: RedisAccess,
    noteProblem: (problem: string | null) => void,
    patience?: RedisPatience,
  ) {
    this.name = `--redis ${access.server.shown}`
    this.#realm = realm
    this.#noteProblem = noteProblem
    this.#secrets = new RedisSecrets(realm, (secrets) => this.onSecrets?.(secrets))
    const watcher = {
      read: (client: RedisClient) => this.#secrets.read(client),
      noteState: (failure: Error | null) => {
        this.#noteState(failure?.message ?? null)
        this.#tell(failure?.message ?? this.#secrets.problem)
      },
    }
    this.#connection = new RedisConnection(access, watcher, patience)
  }

  async lookup({ username }: OutsideQuery, signal: AbortSignal): Promise<OutsideAnswer> {
    const key = userKey(this.#realm, username)
    if (key === null) return { kind: 'unknown' }
    try {
      const value = await this.#connection.ask((client) => client.get(key), signal)
      return value === null ? { kind: 'unknown' } : { kind: 'found', md5Key: md5KeyOf(value), freshSeconds: null }
    } catch (error) {
      // As a failure it would count against the server, and one such user against all others.
      if (error instanceof RedisNonsense) return { kind: 'refused', detail: error.message }
      throw error
    }
  }

  get problem(): string | null {
    return this.#problem
  }

  get secrets(): readonly string[] | null {
    return this.#secrets.present
  }

  close(): Promise<void> {
    this.onSecrets = null
    this.onProblem = null
    return this.#connection.close()
  }

  #noteState(problem: string | null): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.onProblem?.(problem)
  }

  #tell(problem: string | null): void {
    if (problem === this.#told) return
    this.#told = problem
    this.#noteProblem(problem)
  }
}
