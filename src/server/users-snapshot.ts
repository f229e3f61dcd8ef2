// The users of a server as plain data for workers, and the stores that a worker makes of it. Workers read no files: when the users
// file has changed, they are told what is different.
import { type PackedCredentials, PackedUsers } from '../auth/credential-table.js'
import type { CredentialStore } from '../auth/credentials.js'
import type { OAuthKey } from '../auth/oauth-token.js'
import { type RestRules, RestSecrets } from '../auth/rest-secrets.js'
import type { Settings } from '../config/settings.js'
import type { CoreSettings } from './core-settings.js'
import type { Users } from './users.js'

/** What of the settings says which names of TURN REST credentials count. */
export type RestSettings = Pick<Settings, 'authSecretHash' | 'authSecretLifetimeMax' | 'authSecretSeparator'>

export interface UsersSnapshot {
  /** --user; null without. */
  readonly staticUsers: PackedCredentials | null
  /** TURN REST secrets. */
  readonly restSecrets: readonly string[]
  /** Of third-party authorization; none without --oauth-keys. */
  readonly oauthKeys: readonly OAuthKey[]
  /** With the generated user; null without a users file. */
  readonly usersFile: PackedCredentials | null
  readonly temporaryUsers: PackedCredentials
  /** Of the outside stores, which are asked on the main thread; 0 without any. */
  readonly outsideId: number
}

/** The same of other settings; secrets and keys have a way of their own, since they change without any. */
export interface UsersChange extends Omit<UsersSnapshot, 'usersFile' | 'temporaryUsers' | 'restSecrets' | 'oauthKeys'> {
  /** `same`: the users file is the one that it was. */
  readonly usersFile: PackedCredentials | 'same' | null
}

/** What has become another, of what changes without settings. */
export type ChangedSecrets = Partial<Pick<UsersSnapshot, 'restSecrets' | 'oauthKeys'>>

export interface SnapshotStores {
  /** In the order in which they are asked. */
  readonly stores: readonly CredentialStore[]
  /** The one that changes. */
  readonly usersFile: PackedUsers | null
  /** Asked after them; these change as well. */
  readonly temporaryUsers: PackedUsers
  /** Asked after those, since every name of digits may be one of theirs; they change too. */
  readonly restSecrets: RestSecrets
  readonly outsideId: number
}

export function storesOf(snapshot: UsersSnapshot, settings: CoreSettings): SnapshotStores {
  return {
    ...changedStores(snapshot, null),
    temporaryUsers: new PackedUsers(snapshot.temporaryUsers),
    restSecrets: makeRestSecrets(snapshot.restSecrets, settings),
  }
}

export function makeRestSecrets(secrets: readonly string[], settings: CoreSettings): RestSecrets {
  return new RestSecrets(settings.realm, secrets, () => Date.now() / 1000, restRulesOf(settings))
}

export function restRulesOf(settings: RestSettings): RestRules {
  const { authSecretHash: hash, authSecretLifetimeMax: lifetimeSecondsMax, authSecretSeparator: separator } = settings
  return { separator, hash, lifetimeSecondsMax }
}

/**
 * Without the temporary users and secrets, who stay who they are.
 * @param present the users file that there is already
 */
export function changedStores(
  { outsideId, staticUsers, usersFile }: UsersChange,
  present: PackedUsers | null,
): Omit<SnapshotStores, 'temporaryUsers' | 'restSecrets'> {
  const stores: CredentialStore[] = []
  if (staticUsers !== null) stores.push(new PackedUsers(staticUsers))
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
