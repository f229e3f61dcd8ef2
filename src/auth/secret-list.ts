// The TURN REST secrets of a server, joined from where they come from: options, the secrets file, Redis. Whoever verifies with them follows
// the list; whoever issues signs with the first one.
import { AUTH_SECRET_COUNT_MAX } from '../limits/turn.js'

/** In the order in which their secrets stand in the list. */
const ORIGINS = ['options', 'file', 'redis'] as const

export type SecretOrigin = (typeof ORIGINS)[number]

/** Gets all secrets, each once. Resolves when everybody it speaks for knows them. */
export type SecretsFollower = (secrets: readonly string[], change: SecretsChange) => Promise<void> | void

export interface SecretsChange {
  readonly addedCount: number
  readonly removedCount: number
}

export class SecretList {
  /** Called when all followers know another list. */
  onKnown: (secrets: readonly string[], change: SecretsChange) => void = () => {}
  readonly #byOrigin = new Map<SecretOrigin, readonly string[]>()
  readonly #followers = new Set<SecretsFollower>()
  #all: readonly string[] = []
  #omittedCount = 0

  /** The secrets of one origin from now on; followers hear of it if the list is another one then. Resolves when they all know. */
  set(origin: SecretOrigin, secrets: readonly string[]): Promise<void> {
    return this.change({ [origin]: secrets })
  }

  /** The same of several at once: a secret that moves from one to the other is never away. */
  change(secrets: Readonly<Partial<Record<SecretOrigin, readonly string[]>>>): Promise<void> {
    for (const origin of ORIGINS) this.#byOrigin.set(origin, [...(secrets[origin] ?? this.of(origin))])
    const distinct = [...new Set(ORIGINS.flatMap((each) => this.of(each)))]
    const all = distinct.slice(0, AUTH_SECRET_COUNT_MAX)
    this.#omittedCount = distinct.length - all.length
    const before = this.#all
    if (all.length === before.length && all.every((secret, index) => secret === before[index])) return Promise.resolve()
    this.#all = all
    const change = {
      addedCount: all.filter((secret) => !before.includes(secret)).length,
      removedCount: before.filter((secret) => !all.includes(secret)).length,
    }
    return Promise.all([...this.#followers].map((follower) => follower(all, change))).then(() =>
      this.onKnown(all, change),
    )
  }

  of(origin: SecretOrigin): readonly string[] {
    return this.#byOrigin.get(origin) ?? []
  }

  /** Each once, AUTH_SECRET_COUNT_MAX at most. */
  all(): readonly string[] {
    return this.#all
  }

  /** Secrets past that bound, which nothing is verified with. */
  get omittedCount(): number {
    return this.#omittedCount
  }

  /** Called with every other list from now on. Returns what ends that. */
  onChanged(follower: SecretsFollower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }
}
