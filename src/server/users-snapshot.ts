// The users of a server as plain data for workers, and the stores that a worker makes of it. Workers read no files: when the users
// file has changed, they are told what is different.
import { type PackedCredentials, PackedUsers } from '../auth/credential-table.js'
import type { CredentialStore } from '../auth/credentials.js'
import { RestSecrets } from '../auth/rest-secrets.js'
import type { Users } from './users.js'

export interface UsersSnapshot {
  /** --user; null without. */
  readonly staticUsers: PackedCredentials | null
  /** TURN REST secrets. */
  readonly restSecrets: readonly string[]
  /** With the generated user; null without a users file. */
  readonly usersFile: PackedCredentials | null
  readonly temporaryUsers: PackedCredentials
  /** Of the outside stores, which are asked on the main thread; 0 without any. */
  readonly outsideId: number
}

/** The same of other settings. */
export interface UsersChange extends Omit<UsersSnapshot, 'usersFile' | 'temporaryUsers'> {
  /** `same`: the users file is the one that it was. */
  readonly usersFile: PackedCredentials | 'same' | null
}

export interface SnapshotStores {
  /** In the order in which they are asked. */
  readonly stores: readonly CredentialStore[]
  /** The one that changes. */
  readonly usersFile: PackedUsers | null
  /** Asked after them; these change as well. */
  readonly temporaryUsers: PackedUsers
  readonly outsideId: number
}

export function storesOf(snapshot: UsersSnapshot, realm: string): SnapshotStores {
  return { ...changedStores(snapshot, realm, null), temporaryUsers: new PackedUsers(snapshot.temporaryUsers) }
}

/**
 * Without the temporary users, who stay who they are.
 * @param present the users file that there is already
 */
export function changedStores(
  { outsideId, restSecrets, staticUsers, usersFile }: UsersChange,
  realm: string,
  present: PackedUsers | null,
): Omit<SnapshotStores, 'temporaryUsers'> {
  const stores: CredentialStore[] = []
  if (staticUsers !== null) stores.push(new PackedUsers(staticUsers))
  if (restSecrets.length > 0) stores.push(new RestSecrets(realm, restSecrets, () => Date.now() / 1000))
  const fileStore = usersFile === 'same' ? present : usersFile === null ? null : new PackedUsers(usersFile)
  if (fileStore !== null) stores.push(fileStore)
  return { stores, usersFile: fileStore, outsideId }
}

/** null: the same users. */
export function usersChange(from: Users, to: Users): UsersChange | null {
  if (from === to) return null
  const snapshot = to.snapshot()
  const isSameFile = to.usersFile !== null && to.usersFile === from.usersFile
  return isSameFile ? { ...snapshot, usersFile: 'same' } : snapshot
}
