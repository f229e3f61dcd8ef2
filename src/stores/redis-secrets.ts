// The TURN REST secrets of the realm as they are in Redis, read every few seconds over the connection of the users there.
import { ErrorReply } from '@redis/client'
import type { RedisClient } from './redis-connection.js'
import { answerFailure, RedisFailure } from './redis-failures.js'
import { secretsKey, secretsOf } from './redis-layout.js'

export class RedisSecrets {
  readonly #key: string
  readonly #noteSecrets: (secrets: readonly string[]) => void
  #present: readonly string[] | null = null
  #problem: string | null = null

  /** @param noteSecrets gets them, in a fixed order, when they are read for the first time, and when they are others than before */
  constructor(realm: string, noteSecrets: (secrets: readonly string[]) => void) {
    this.#key = secretsKey(realm)
    this.#noteSecrets = noteSecrets
  }

  /** In a fixed order; null until they have been read. */
  get present(): readonly string[] | null {
    return this.#present
  }

  /** Why what is there is not taken, so that the last ones hold, a sentence; null: it is. */
  get problem(): string | null {
    return this.#problem
  }

  /** Rejects with the library's errors. */
  async read(client: RedisClient): Promise<void> {
    try {
      const secrets = secretsOf(await client.sMembers(this.#key))
      this.#problem = null
      this.#note(secrets)
    } catch (error) {
      const failure = error instanceof ErrorReply ? answerFailure(error) : error
      if (failure instanceof RedisFailure) this.#problem = `TURN REST secrets: ${failure.message}`
      if (failure !== error || !(error instanceof RedisFailure)) throw error
    }
  }

  #note(secrets: readonly string[]): void {
    if (secrets.join('\n') === this.#present?.join('\n') && this.#present.length === secrets.length) return
    this.#present = secrets
    this.#noteSecrets(secrets)
  }
}
