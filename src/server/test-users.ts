// Users for a test from a browser: made up when somebody asks, known to every worker before they are handed out, and gone after five minutes.
import { randomBytes } from 'node:crypto'
import type { TestCredentials } from '../admin/schema/users.js'
import { type Credential, makeCredential } from '../auth/credentials.js'
import type { TemporaryUsers } from '../auth/temporary-users.js'
import { TEST_USER_COUNT_MAX, TEST_USER_SECONDS } from '../limits/turn.js'
import type { Relaying } from './relaying.js'

const NAME_BYTES = 4
const PASSWORD_BYTES = 18

export class TestUsers {
  readonly #users: TemporaryUsers
  readonly #relaying: Pick<Relaying, 'ask'>
  /** By name, oldest first, with what ends them. */
  readonly #credentials = new Map<string, { readonly credential: Credential; readonly timer: NodeJS.Timeout }>()

  /** @param users the store of this server, which is nobody else's to change */
  constructor(users: TemporaryUsers, relaying: Pick<Relaying, 'ask'>) {
    this.#users = users
    this.#relaying = relaying
  }

  /** A new one, known to every worker. The oldest makes room. Rejects with an AdminProblem if a worker is silent. */
  async make(): Promise<Omit<TestCredentials, 'uris'>> {
    const username = `test-${randomBytes(NAME_BYTES).toString('hex')}`
    const password = randomBytes(PASSWORD_BYTES).toString('base64url')
    const [oldest] = this.#credentials.keys()
    if (oldest !== undefined && this.#credentials.size >= TEST_USER_COUNT_MAX) this.#forget(oldest)
    const milliseconds = TEST_USER_SECONDS * 1000
    const timer = setTimeout(() => void this.#remove(username), milliseconds).unref()
    const expiresTime = new Date(Date.now() + milliseconds).toISOString()
    this.#credentials.set(username, { credential: makeCredential(username, this.#users.realm, password), timer })
    try {
      await this.#tell()
    } catch (error) {
      await this.#remove(username)
      throw error
    }
    return { username, password, expiresTime }
  }

  /** No more timers: the server stops. */
  close(): void {
    for (const username of this.#credentials.keys()) this.#forget(username)
  }

  async #remove(username: string): Promise<void> {
    this.#forget(username)
    // A worker that is silent hears of it when it reads its messages.
    await this.#tell().catch(() => {})
  }

  #forget(username: string): void {
    clearTimeout(this.#credentials.get(username)?.timer)
    this.#credentials.delete(username)
  }

  async #tell(): Promise<void> {
    const credentials = [...this.#credentials.values()].map(({ credential }) => credential)
    await this.#relaying.ask({ kind: 'temporary-users', changes: this.#users.replace(credentials) })
  }
}
