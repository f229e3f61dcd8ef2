// Who may log in: the credential stores that the settings name, with the generated first user where there is no other; and the secret that nonces are made with.
import { type Credential, type CredentialStore, makeCredential } from '../auth/credentials.js'
import { RestSecrets } from '../auth/rest-secrets.js'
import { loadSecretFile } from '../auth/secret-file.js'
import {
  type GeneratedUser,
  generateNonceSecret,
  loadNonceSecret,
  loadOrCreateGeneratedUser,
} from '../auth/state-dir.js'
import { StaticUsers } from '../auth/static-users.js'
import { TemporaryUsers } from '../auth/temporary-users.js'
import { UsersFileStore, usersFileOfStateDir } from '../auth/users-file-store.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'
import type { UsersSnapshot } from './users-snapshot.js'

export interface Users {
  readonly stores: CredentialStore[]
  /** Asked after them; empty at first. */
  readonly temporaryUsers: TemporaryUsers
  /** The users file, to reload, edit and close; null without one. It serves the generated user as well, as long as that is not in it. */
  readonly usersFile: UsersFileStore | null
  /** Set when nobody is configured. */
  readonly generatedUser: GeneratedUser | null
  /** All of them as they are now, as plain data. */
  snapshot(): UsersSnapshot
}

/** Throws TurndError. `onProblem` gets what is wrong with the users file later, a sentence each. */
export function loadUsers(settings: Settings, hasStateDir: boolean, onProblem: (text: string) => void): Users {
  const { realm } = settings
  const configured = settings.user.length === 0 ? null : staticUsers(realm, settings.user)
  const secrets = [...settings.authSecret]
  if (settings.authSecretFile !== null) secrets.push(...loadSecretFile(settings.authSecretFile))
  const usersFile = openUsersFile(settings, hasStateDir, onProblem)
  if (usersFile === null && configured === null && secrets.length === 0) {
    throw new TurndError('TURND_ERR_NO_USERS', 'no user is configured: give user, usersFile, authSecret or stateDir')
  }
  try {
    // A file that is named is one that users will be added to; that of the state directory may be for admin users alone.
    const isOthers = configured !== null || secrets.length > 0 || settings.usersFile !== null
    const generatedUser = isOthers || usersFile === null || usersFile.userCount > 0 ? null : generateUser(settings)
    if (generatedUser !== null) usersFile?.admitGuest(credentialOf(realm, generatedUser))
    return usersOf(realm, configured, secrets, usersFile, generatedUser)
  } catch (error) {
    usersFile?.close()
    throw error
  }
}

/** Where there is a state directory there is always one, which may not be there yet: users can be added to a running server. */
function openUsersFile(
  { realm, stateDir, usersFile }: Settings,
  hasStateDir: boolean,
  onProblem: (text: string) => void,
): UsersFileStore | null {
  if (usersFile === null && !hasStateDir) return null
  const path = usersFile ?? usersFileOfStateDir(stateDir)
  return wrap('TURND_ERR_USERS_FILE', () => new UsersFileStore(path, realm, onProblem, usersFile === null))
}

function credentialOf(realm: string, { password, username }: GeneratedUser): Credential {
  return wrap('TURND_ERR_STATE_DIR', () => makeCredential(username, realm, password))
}

function staticUsers(realm: string, users: Settings['user']): StaticUsers {
  return wrap('TURND_ERR_OPTION', () => new StaticUsers(realm, users))
}

function usersOf(
  realm: string,
  configured: StaticUsers | null,
  secrets: readonly string[],
  usersFile: UsersFileStore | null,
  generatedUser: GeneratedUser | null,
): Users {
  const stores: CredentialStore[] = []
  if (configured !== null) stores.push(configured)
  if (secrets.length > 0) stores.push(new RestSecrets(realm, secrets, () => Date.now() / 1000))
  if (usersFile !== null) stores.push(usersFile)
  const temporaryUsers = wrap('TURND_ERR_OPTION', () => new TemporaryUsers(realm))
  const snapshot = () => ({
    staticUsers: configured?.pack() ?? null,
    restSecrets: secrets,
    usersFile: usersFile?.pack() ?? null,
    temporaryUsers: temporaryUsers.pack(),
  })
  return { stores, temporaryUsers, usersFile, generatedUser, snapshot }
}

/** Is there nothing but a users file, which was named, without a user of the realm? */
export function isNobodyConfigured({ stores, usersFile }: Users): boolean {
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

function wrap<Result>(code: TurndError['code'], action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    if (error instanceof TurndError || !(error instanceof Error)) throw error
    throw new TurndError(code, error.message, { cause: error })
  }
}
