// The contract of user databases outside this process (src/stores), which are asked on the main thread. What they say is kept by whoever asks: a
// store has no cache, and tries nothing twice.

export interface OutsideQuery {
  readonly username: string
  readonly realm: string
  /** The IP address of the client, as text. */
  readonly source: string
}

export type OutsideAnswer =
  /** `md5Key`: 16 bytes (RFC 8489 §18.5.1.1). `freshSeconds`: for how long the answer holds; null: as long as --lookup-ttl says. */
  | { readonly kind: 'found'; readonly md5Key: Uint8Array; readonly freshSeconds: number | null }
  | { readonly kind: 'unknown' }
  /** Known, and not to be let in. `detail` is for the operator: printable, and bounded. */
  | { readonly kind: 'refused'; readonly detail: string }

export interface OutsideStore {
  /** As operators know it, without its secrets: `--redis redis://127.0.0.1:6379/0`. */
  readonly name: string
  /**
   * Rejects with an Error, a sentence for the operator, when the store cannot say: it is down, too slow (`signal`), or talks nonsense. Quickly,
   * where it is known to be down.
   */
  lookup(query: OutsideQuery, signal: AbortSignal): Promise<OutsideAnswer>
  close(): Promise<void>
}

/** What a store has that sees by itself whether its server can be asked, also while nobody asks. */
export interface StateOfStore {
  /** Why it cannot, a sentence; null: it can, or that is not known yet. */
  readonly problem: string | null
  /** Called when that changes. */
  onProblem: ((problem: string | null) => void) | null
}

/** What a store has that knows TURN REST secrets besides. */
export interface SecretsOfStore {
  /** null until they have been read. While the store is down they are what they were. */
  readonly secrets: readonly string[] | null
  /** Called when they are others, the first ones included. */
  onSecrets: ((secrets: readonly string[]) => void) | null
}

export function hasSecrets(store: OutsideStore): store is OutsideStore & SecretsOfStore {
  return 'onSecrets' in store
}

export function hasState(store: OutsideStore): store is OutsideStore & StateOfStore {
  return 'onProblem' in store
}
