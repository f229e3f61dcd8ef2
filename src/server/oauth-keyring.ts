// The keys of --oauth-keys of a running server: the file of the moment, and all who verify with its keys, who hear of it when it becomes
// another one. One for the whole life of a server, since cores follow it.
import type { SettingChange } from '../admin/schema/operations.js'
import { loadOAuthKeys } from '../auth/oauth-keys-file.js'
import type { OAuthKey } from '../auth/oauth-token.js'
import { WatchedFile } from '../auth/watched-file.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'

export type OAuthKeys = readonly OAuthKey[]

/** Resolves when everybody it speaks for knows them. */
type KeysFollower = (keys: OAuthKeys) => Promise<void> | void

/** The keys of other settings, or of a file that was read again, before they count. */
export interface PreparedKeys {
  readonly changes: readonly SettingChange[]
  commit(): void
  abandon(): void
}

type OfKeys = Pick<Settings, 'oauthKeys' | 'realm'>

export class OAuthKeyring {
  readonly #onProblem: (text: string) => void
  readonly #followers = new Set<KeysFollower>()
  /** Called when all followers know others. */
  onKnown: (keys: OAuthKeys, counts: { readonly added: number; readonly removed: number }) => void = () => {}
  #file: WatchedFile<OAuthKeys> | null = null
  #keys: OAuthKeys = []

  /** Throws TurndError. `onProblem` gets what is wrong with the file later. */
  constructor(settings: OfKeys, onProblem: (text: string) => void) {
    this.#onProblem = onProblem
    this.#follow(this.#open(settings))
    this.#keys = this.#file?.content ?? []
  }

  /** None without a file. */
  all(): OAuthKeys {
    return this.#keys
  }

  /** Called with all other keys from now on. Returns what ends that. */
  onChanged(follower: KeysFollower): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** Throws TurndError; nothing is another then. */
  prepare(settings: OfKeys): PreparedKeys {
    const present = this.#file
    if (present !== null && present.path === settings.oauthKeys) {
      const read = present.readAgain()
      return { changes: changesOf(this.#keys, read.content), commit: () => read.take(), abandon: () => {} }
    }
    const file = this.#open(settings)
    return {
      // What file it is, is an option, and told as such.
      changes: [],
      commit: () => {
        present?.close()
        this.#follow(file)
        this.#set(file?.content ?? [])
      },
      abandon: () => file?.close(),
    }
  }

  /** Reads the file now. False if it is broken: the keys stay. */
  reload(): boolean {
    return this.#file?.reload() ?? true
  }

  /** Looks at no file any more. */
  close(): void {
    this.#file?.close()
  }

  #open({ oauthKeys: path, realm }: OfKeys): WatchedFile<OAuthKeys> | null {
    if (path === null) return null
    const load = (from: string) => loadOAuthKeys(from, realm)
    return new WatchedFile({ path, load, staying: 'the keys read before stay', onProblem: this.#onProblem })
  }

  #follow(file: WatchedFile<OAuthKeys> | null): void {
    this.#file = file
    if (file !== null) file.onChanged = (keys) => this.#set(keys)
  }

  #set(keys: OAuthKeys): void {
    const { added, removed } = differences(this.#keys, keys)
    this.#keys = keys
    if (added + removed === 0) return
    const told = [...this.#followers].map((follower) => follower(keys))
    void Promise.all(told).then(() => this.onKnown(keys, { added, removed }))
  }
}

/** Says in the log when the keys become others: how many, never which. */
export function logOAuthKeys(keyring: OAuthKeyring, logger: Logger): void {
  keyring.onKnown = ({ length }, { added, removed }) => {
    const now = `${counted(length)} of third-party authorization now: ${added} added, ${removed} removed`
    logger.info({ event: 'oauth-keys-changed', keys: length, added, removed }, now)
  }
}

function changesOf(before: OAuthKeys, after: OAuthKeys): SettingChange[] {
  const { added, removed } = differences(before, after)
  if (added + removed === 0) return []
  const [shownBefore, shownAfter] = [counted(before.length), counted(after.length)]
  return [
    {
      name: 'the file of OAuth keys',
      from: shownBefore,
      to: shownBefore === shownAfter ? 'changed' : shownAfter,
      effect: 'live',
      note: `read again: ${added} added, ${removed} removed`,
    },
  ]
}

/** A key with another content or time is another key. */
function differences(before: OAuthKeys, after: OAuthKeys): { readonly added: number; readonly removed: number } {
  const textOf = ({ key, ...rest }: OAuthKey) => JSON.stringify([rest, Buffer.from(key).toString('base64')])
  const [texts, others] = [before.map(textOf), after.map(textOf)]
  return {
    added: others.filter((text) => !texts.includes(text)).length,
    removed: texts.filter((text) => !others.includes(text)).length,
  }
}

function counted(count: number): string {
  return count === 1 ? '1 key' : `${count} keys`
}
