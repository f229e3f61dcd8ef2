// Users of the stores outside this process: asked for by workers, looked up here, once for all who ask at the same time, and remembered, so that who
// is known goes on while a store is down, even if the worker that knew them has died.
import type { UserStores } from '../admin/schema/status.js'
import type { OutsideVerdict } from '../auth/outside-credentials.js'
import { hasSecrets, type OutsideAnswer, type OutsideQuery, type OutsideStore } from '../auth/outside-store.js'
import { rememberName } from '../auth/remembered-names.js'
import type { Settings } from '../config/settings.js'
import {
  LOOKUP_CONCURRENT_COUNT_MAX,
  LOOKUP_WAITING_COUNT_MAX,
  OUTSIDE_DETAIL_COUNT_MAX,
  OUTSIDE_USER_COUNT_MAX,
} from '../limits/outside.js'
import type { Logger } from '../log/logger.js'
import { openOutsideStores, outsideStoresKey } from './outside-stores.js'
import { WatchedStore } from './watched-store.js'

/** What a worker asks. */
export interface OutsideQuestion {
  readonly username: string
  /** The IP address of the client. */
  readonly source: string
  /** What is remembered will do, if it is fresh. */
  readonly mayBeRemembered: boolean
}

interface Remembered {
  readonly md5Key: Uint8Array
  readonly saidAtMs: number
  readonly freshUntilMs: number
}

type LookupSettings = Pick<Settings, 'realm' | 'lookupTimeout' | 'lookupTtl'>

const NOT_FOUND = { md5Key: null, ageSeconds: 0, freshSeconds: 0 } as const

let lastId = 0

export class OutsideUsers {
  /** Never that of others: what is remembered elsewhere of these stores is good for them alone. */
  readonly id = ++lastId
  readonly counters: UserStores['lookups'] = { found: 0, unknown: 0, refused: 0, failed: 0, remembered: 0 }
  readonly #key: string
  readonly #stores: readonly WatchedStore[]
  readonly #nowMs: () => number
  #settings: LookupSettings
  /** The least recently used first. */
  readonly #remembered = new Map<string, Remembered>()
  /** By name: whoever asks meanwhile gets the same answer. */
  readonly #asking = new Map<string, Promise<OutsideVerdict>>()
  readonly #details = new Map<string, string>()
  #runningCount = 0
  readonly #waiting: (() => void)[] = []

  constructor(
    stores: readonly OutsideStore[],
    settings: LookupSettings,
    logger: Logger,
    { key = '', nowMs = () => performance.now() } = {},
  ) {
    this.#key = key
    this.#nowMs = nowMs
    this.#settings = settings
    this.#stores = stores.map((store) => new WatchedStore(store, logger, nowMs))
  }

  /** null where the settings name no store; `present` where they name the same ones. Throws TurndError. */
  static async open(
    settings: Settings,
    logger: Logger,
    present: OutsideUsers | null = null,
  ): Promise<OutsideUsers | null> {
    const key = outsideStoresKey(settings)
    if (present !== null && present.#key === key) return present
    const stores = await openOutsideStores(settings, logger)
    return stores.length === 0 ? null : new OutsideUsers(stores, settings, logger, { key })
  }

  /** From now on. */
  configure(settings: LookupSettings): void {
    this.#settings = settings
  }

  /** As operators know them. */
  names(): string[] {
    return this.#stores.map(({ store }) => store.name)
  }

  /** Stores that do not answer, each with a sentence about it. */
  problems(): { readonly name: string; readonly problem: string }[] {
    return this.#stores.flatMap(({ problem, store }) => (problem === '' ? [] : [{ name: store.name, problem }]))
  }

  /** The TURN REST secrets of stores, now and later: null while a store that has some has not told them yet. */
  followSecrets(follow: (secrets: readonly string[]) => void): readonly string[] | null {
    const stores = this.#stores.map(({ store }) => store).filter(hasSecrets)
    const all = () => stores.flatMap(({ secrets }) => secrets ?? [])
    for (const store of stores) store.onSecrets = () => follow(all())
    return stores.some(({ secrets }) => secrets === null) ? null : all()
  }

  /** For the status page. */
  facts(): UserStores {
    return {
      stores: this.#stores.map(({ problem, store }) => ({ name: store.name, problem })),
      lookups: { ...this.counters },
      knownUsers: this.#remembered.size,
    }
  }

  /** What a store said of a user whom it refused, or why none could say anything; ''. */
  refusalDetail(username: string): string {
    return this.#details.get(username) ?? ''
  }

  /** Never rejects. */
  async ask(question: OutsideQuestion): Promise<OutsideVerdict> {
    const { username } = question
    const remembered = this.#remembered.get(username)
    if (question.mayBeRemembered && remembered !== undefined && this.#nowMs() < remembered.freshUntilMs) {
      this.counters.remembered++
      rememberName(this.#remembered, username, remembered, OUTSIDE_USER_COUNT_MAX)
      return { id: this.id, username, outcome: 'found', ...this.#shown(remembered) }
    }
    const asking = this.#asking.get(username)
    if (asking !== undefined) return asking
    if (this.#asking.size >= LOOKUP_WAITING_COUNT_MAX) return this.#down(username)
    const asked = this.#askAll({ username, realm: this.#settings.realm, source: question.source })
    this.#asking.set(username, asked)
    return asked.finally(() => this.#asking.delete(username))
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
  }

  /** The first one that knows the name decides. */
  async #askAll(query: OutsideQuery): Promise<OutsideVerdict> {
    const problems: string[] = []
    await this.#begin()
    try {
      for (const store of this.#stores) {
        const answer = await store.lookup(query, this.#settings.lookupTimeout * 1000)
        if (answer === null) problems.push(`${store.store.name}: ${store.lastProblem}`)
        else if (answer.kind !== 'unknown') return this.#decided(query.username, answer)
      }
    } finally {
      this.#end()
    }
    if (problems.length > 0) {
      this.counters.failed++
      rememberName(this.#details, query.username, problems.join('; '), OUTSIDE_DETAIL_COUNT_MAX)
      return this.#down(query.username)
    }
    return this.#decided(query.username, { kind: 'unknown' })
  }

  /** Waits for a turn. */
  async #begin(): Promise<void> {
    if (this.#runningCount < LOOKUP_CONCURRENT_COUNT_MAX) this.#runningCount++
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve))
  }

  /** Whoever waits longest has the turn from now on. */
  #end(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#runningCount--
    else next()
  }

  #decided(username: string, answer: OutsideAnswer): OutsideVerdict {
    this.counters[answer.kind]++
    this.#details.delete(username)
    if (answer.kind !== 'found') {
      this.#remembered.delete(username)
      if (answer.kind === 'refused') rememberName(this.#details, username, answer.detail, OUTSIDE_DETAIL_COUNT_MAX)
      return { id: this.id, username, outcome: answer.kind, ...NOT_FOUND }
    }
    const saidAtMs = this.#nowMs()
    const freshUntilMs = saidAtMs + (answer.freshSeconds ?? this.#settings.lookupTtl) * 1000
    const remembered = { md5Key: answer.md5Key, saidAtMs, freshUntilMs }
    rememberName(this.#remembered, username, remembered, OUTSIDE_USER_COUNT_MAX)
    return { id: this.id, username, outcome: 'found', ...this.#shown(remembered) }
  }

  #down(username: string): OutsideVerdict {
    const remembered = this.#remembered.get(username)
    return {
      id: this.id,
      username,
      outcome: this.#stores.some(({ isSilent }) => isSilent) ? 'down' : 'failed',
      ...(remembered === undefined ? NOT_FOUND : this.#shown(remembered)),
    }
  }

  #shown({
    freshUntilMs,
    md5Key,
    saidAtMs,
  }: Remembered): Pick<OutsideVerdict, 'md5Key' | 'ageSeconds' | 'freshSeconds'> {
    const now = this.#nowMs()
    return {
      // Of a Buffer the whole pool that it lies in would be posted.
      md5Key: new Uint8Array(md5Key),
      ageSeconds: Math.floor((now - saidAtMs) / 1000),
      freshSeconds: Math.max(0, Math.floor((freshUntilMs - now) / 1000)),
    }
  }
}
