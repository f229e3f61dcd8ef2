// Who may log in: the credential stores that the settings name, with the generated first user where there is no other; and the secret that nonces are made with.
import { hash } from 'node:crypto'
import { type Credential, type CredentialStore, makeCredential } from '../auth/credentials.js'
import { loadSecretFile } from '../auth/secret-file.js'
import { SecretList } from '../auth/secret-list.js'
import {
  type GeneratedUser,
  generateNonceSecret,
  loadNonceSecret,
  loadOrCreateGeneratedUser,
} from '../auth/state-dir.js'
import { StaticUsers } from '../auth/static-users.js'
import { TemporaryUsers } from '../auth/temporary-users.js'
import { UsersFileStore, usersFileOfStateDir } from '../auth/users-file-store.js'
import { WatchedFile } from '../auth/watched-file.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'
import { OAuthKeyring } from './oauth-keyring.js'
import type { OutsideUsers } from './outside-users.js'
import type { ChangedSecrets, UsersSnapshot } from './users-snapshot.js'

export type SecretFile = WatchedFile<readonly string[]>

export interface Users {
  readonly stores: CredentialStore[]
  /** Asked after them; empty at first. */
  readonly temporaryUsers: TemporaryUsers
  /** TURN REST secrets, asked last; the same one for the whole life of a server, since cores follow it. */
  readonly secretList: SecretList
  /** To read again and close; null without one. */
  readonly secretFile: SecretFile | null
  /** Keys of third-party authorization, with their file; the same one for the whole life of a server as well. */
  readonly oauth: OAuthKeyring
  /** The users file, to reload, edit and close; null without one. It serves the generated user as well, as long as that is not in it. */
  readonly usersFile: UsersFileStore | null
  /** Asked last, and by whoever waits for the answer; null without such a store. */
  readonly outside: OutsideUsers | null
  /** What --user and the outside stores are, to tell whether they are others. */
  readonly optionsDigest: string
  /** Set when nobody is configured. */
  readonly generatedUser: GeneratedUser | null
  /** The same with keys, whom the users file is to serve. */
  readonly guest: Credential | null
  /** All of them as they are now, as plain data. */
  snapshot(): UsersSnapshot
  /** Reads the files now. False if one is broken: that stays as it was. */
  reload(): boolean
  /** Looks at no file any more, and asks nobody. */
  close(): Promise<void>
}

/** What a running server has of them, to be used again. */
export interface KnownUsers {
  readonly users: Users
  /** Users of its users file as that is now. */
  readonly fileUserCount: number
  /** Who is not there yet may be generated. */
  readonly mayGenerate: boolean
}

/** Throws TurndError. `onProblem` gets what is wrong with the users file or that of the secrets later, a sentence each. */
export function loadUsers(
  settings: Settings,
  hasStateDir: boolean,
  onProblem: (text: string) => void,
  known: KnownUsers | null = null,
  outside: OutsideUsers | null = null,
): Users {
  const knownFile = known !== null && isSecretFile(known.users.secretFile, settings) ? known.users.secretFile : null
  const oauth = known?.users.oauth ?? new OAuthKeyring(settings, onProblem)
  let secretFile = knownFile
  try {
    secretFile ??= openSecretFile(settings, onProblem)
    const secretList = known?.users.secretList ?? new SecretList()
    const users = loadUsersBeside({ secretFile, secretList, oauth, outside }, settings, hasStateDir, onProblem, known)
    if (known === null) takeSecrets(users, settings, secretFile?.content ?? [])
    return users
  } catch (error) {
    if (known === null) oauth.close()
    if (knownFile === null) secretFile?.close()
    throw error
  }
}

/** From now on these are the secrets of options and file, and the file's own follow it, and those of stores. */
export function takeSecrets(users: Users, { authSecret }: Settings, ofFile: readonly string[]): void {
  const { outside, secretFile, secretList } = users
  const ofStores = outside === null ? [] : outside.followSecrets((secrets) => void secretList.set('redis', secrets))
  // Until a store of other settings has told its own, those of the former one hold: nobody is refused meanwhile.
  const redis = ofStores ?? secretList.of('redis')
  void secretList.change({ options: authSecret, file: ofFile, redis })
  if (secretFile !== null) secretFile.onChanged = (secrets) => void secretList.set('file', secrets)
}

/** Called with all secrets, or all keys, when they become others. Returns what ends that. */
export function followSecrets(
  { oauth, secretList }: Users,
  follower: (changed: ChangedSecrets) => Promise<void> | void,
): () => void {
  const ends = [
    secretList.onChanged((restSecrets) => follower({ restSecrets })),
    oauth.onChanged((oauthKeys) => follower({ oauthKeys })),
  ]
  return () => {
    for (const end of ends) end()
  }
}

function loadUsersBeside(
  others: Pick<Users, 'secretFile' | 'secretList' | 'oauth' | 'outside'>,
  settings: Settings,
  hasStateDir: boolean,
  onProblem: (text: string) => void,
  known: KnownUsers | null,
): Users {
  const { realm } = settings
  const configured = settings.user.length === 0 ? null : staticUsers(realm, settings.user)
  const hasSecrets = settings.authSecret.length > 0 || others.secretFile !== null || settings.oauthKeys !== null
  const { outside } = others
  const knownFile =
    known !== null && isUsersFile(known.users.usersFile, settings, hasStateDir) ? known.users.usersFile : null
  const usersFile = knownFile ?? openUsersFile(settings, hasStateDir, onProblem)
  if (usersFile === null && configured === null && !hasSecrets && outside === null) {
    throw new TurndError(
      'TURND_ERR_NO_USERS',
      'no user is configured: give user, usersFile, authSecret, oauthKeys, redis, authWebhook or stateDir',
    )
  }
  try {
    // A file that is named is one that users will be added to; that of the state directory may be for admin users alone.
    const isOthers = configured !== null || hasSecrets || settings.usersFile !== null || outside !== null
    const fileUserCount = knownFile === null ? (usersFile?.userCount ?? 0) : (known?.fileUserCount ?? 0)
    const isNobody = !isOthers && usersFile !== null && fileUserCount === 0
    const generatedUser = isNobody ? generatedUserOf(settings, known) : null
    const guest = generatedUser === null ? null : credentialOf(realm, generatedUser)
    // One that serves already learns of it when all is decided.
    if (knownFile === null) usersFile?.setGuest(guest)
    const temporaryUsers = known?.users.temporaryUsers ?? wrap('TURND_ERR_OPTION', () => new TemporaryUsers(realm))
    return usersOf(settings, { configured, ...others, usersFile, generatedUser, guest, temporaryUsers })
  } catch (error) {
    if (knownFile === null) usersFile?.close()
    throw error
  }
}

/** Is this the secrets file of these settings? */
export function isSecretFile(file: SecretFile | null, { authSecretFile }: Settings): boolean {
  return file !== null && file.path === authSecretFile
}

function openSecretFile({ authSecretFile: path }: Settings, onProblem: (text: string) => void): SecretFile | null {
  if (path === null) return null
  const load = (from: string): readonly string[] => loadSecretFile(from)
  return new WatchedFile({ path, load, staying: 'the secrets read before stay', onProblem })
}

/** Is this the users file of these settings? */
export function isUsersFile(file: UsersFileStore | null, settings: Settings, hasStateDir: boolean): boolean {
  return file !== null && file.path === usersFilePath(settings, hasStateDir)
}

/** Null without a users file. */
function usersFilePath({ stateDir, usersFile }: Settings, hasStateDir: boolean): string | null {
  return usersFile ?? (hasStateDir ? usersFileOfStateDir(stateDir) : null)
}

/** Generated once. */
function generatedUserOf(settings: Settings, known: KnownUsers | null): GeneratedUser | null {
  if (known !== null && (known.users.generatedUser !== null || !known.mayGenerate)) return known.users.generatedUser
  return generateUser(settings)
}

/** Where there is a state directory there is always one, which may not be there yet: users can be added to a running server. */
function openUsersFile(
  settings: Settings,
  hasStateDir: boolean,
  onProblem: (text: string) => void,
): UsersFileStore | null {
  const { realm, usersFile } = settings
  const path = usersFilePath(settings, hasStateDir)
  if (path === null) return null
  return wrap('TURND_ERR_USERS_FILE', () => new UsersFileStore(path, realm, onProblem, usersFile === null))
}

function credentialOf(realm: string, { password, username }: GeneratedUser): Credential {
  return wrap('TURND_ERR_STATE_DIR', () => makeCredential(username, realm, password))
}

function staticUsers(realm: string, users: Settings['user']): StaticUsers {
  return wrap('TURND_ERR_OPTION', () => new StaticUsers(realm, users))
}

interface UsersParts extends Omit<Users, 'stores' | 'optionsDigest' | 'snapshot' | 'reload' | 'close'> {
  readonly configured: StaticUsers | null
}

function usersOf({ user }: Settings, { configured, ...parts }: UsersParts): Users {
  const { oauth, outside, secretFile, secretList, temporaryUsers, usersFile } = parts
  const stores: CredentialStore[] = []
  if (configured !== null) stores.push(configured)
  if (usersFile !== null) stores.push(usersFile)
  const snapshot = () => ({
    staticUsers: configured?.pack() ?? null,
    restSecrets: secretList.all(),
    oauthKeys: oauth.all(),
    usersFile: usersFile?.pack() ?? null,
    temporaryUsers: temporaryUsers.pack(),
    outsideId: outside?.id ?? 0,
  })
  const optionsDigest = hash('sha256', JSON.stringify([user, outside?.id ?? 0]), 'hex')
  const files = [usersFile, secretFile, oauth].flatMap((file) => file ?? [])
  return {
    ...{ ...parts, stores, optionsDigest, snapshot },
    reload: () => files.map((file) => file.reload()).every((isRead) => isRead),
    close: async () => {
      for (const file of files) file.close()
      await outside?.close()
    },
  }
}

/** A sentence for the operator. */
export function nobodyText({ realm }: Settings): string {
  return `nobody can log in to realm ${realm}: add a user with turnd user add NAME --realm ${realm}`
}

/** Is there nothing but a users file, which was named, without a user of the realm? */
export function isNobodyConfigured({ oauth, outside, secretList, stores, usersFile }: Users): boolean {
  if (outside !== null || secretList.all().length > 0 || oauth.all().length > 0) return false
  return stores.length === 1 && usersFile !== null && usersFile.userCount === 0
}

/** Throws TurndError. */
export function nonceSecretOf(settings: Settings, hasStateDir: boolean, warn: (text: string) => void): Uint8Array {
  if (!hasStateDir) return generateNonceSecret()
  try {
    const { secret, warning } = loadNonceSecret(settings.stateDir)
    if (warning !== null) warn(warning)
    return secret
  } catch (error) {
    throw stateDirError(settings, error)
  }
}

/** Broken content of the state directory, as an error that names the option. */
function stateDirError({ stateDir }: Settings, error: unknown): TurndError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TurndError('TURND_ERR_STATE_DIR', `--state-dir ${stateDir}: ${reason}`, { cause: error })
}

function generateUser(settings: Settings): GeneratedUser {
  try {
    return loadOrCreateGeneratedUser(settings.stateDir, settings.realm)
  } catch (error) {
    throw stateDirError(settings, error)
  }
}

export function wrap<Result>(code: TurndError['code'], action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    if (error instanceof TurndError || !(error instanceof Error)) throw error
    throw new TurndError(code, error.message, { cause: error })
  }
}
