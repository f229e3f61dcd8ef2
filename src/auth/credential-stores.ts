// All configured stores as one. The first store that knows a name decides, but every store is always asked: which of them knows it
// must not show in the time. What is offered to clients is what every store can verify (RFC 8489 §9.2).
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'

export class CredentialStores implements CredentialStore {
  readonly #stores: readonly CredentialStore[]

  constructor(stores: readonly CredentialStore[]) {
    this.#stores = stores
  }

  /** May change with a store. */
  get keyCountMax(): number {
    let countMax = 1
    for (const { keyCountMax = 1 } of this.#stores) if (keyCountMax > countMax) countMax = keyCountMax
    return countMax
  }

  get verifiesSha256(): boolean {
    for (const store of this.#stores) if (!store.verifiesSha256) return false
    return true
  }

  get verifiesUserhash(): boolean {
    for (const store of this.#stores) if (!store.verifiesUserhash) return false
    return true
  }

  find(username: string, holdsAllocation = false): CredentialLookup {
    let found: CredentialLookup = 'unknown-user'
    for (const store of this.#stores) {
      const lookup = store.find(username, holdsAllocation)
      if (isBetter(lookup, found)) found = lookup
    }
    return found
  }

  findByUserhash(userhashHex: string): Credential | null {
    let found: Credential | null = null
    for (const store of this.#stores) {
      const credential = store.findByUserhash(userhashHex)
      found ??= credential
    }
    return found
  }

  noteVerified(credential: Credential): void {
    for (const store of this.#stores) store.noteVerified?.(credential)
  }

  noteRefused(username: string): void {
    for (const store of this.#stores) store.noteRefused?.(username)
  }
}

/** A user beats a name that would be refused, and that beats nobody. */
function isBetter(lookup: CredentialLookup, found: CredentialLookup): boolean {
  if (typeof lookup === 'string') return false
  return typeof found === 'string' || (found.refusedAs !== undefined && lookup.refusedAs === undefined)
}
