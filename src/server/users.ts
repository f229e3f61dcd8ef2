// Who may log in: the credential stores that the settings name, or the generated first user; and the secret that nonces are made with.
import type { CredentialStore } from '../auth/credentials.js'
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
  /** The users file, to reload and close; null without one. */
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
  const path = usersFilePath(settings, hasStateDir)
  const usersFile =
    path === null ? null : wrap('TURND_ERR_USERS_FILE', () => new UsersFileStore(path, realm, onProblem))
  if (configured !== null || secrets.length > 0 || usersFile !== null) {
    return usersOf(realm, configured, secrets, usersFile, null)
  }
  if (!hasStateDir) {
    throw new TurndError('TURND_ERR_NO_USERS', 'no user is configured: give user, usersFile, authSecret or stateDir')
  }
  const generatedUser = generateUser(settings)
  const { username, password } = generatedUser
  return usersOf(realm, staticUsers(realm, [{ name: username, password }]), [], null, generatedUser)
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

/** Is there nothing but a users file without a user of the realm? */
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

/** --users-file, else the file that `turnd user add` writes, if it is there. */
function usersFilePath(settings: Settings, hasStateDir: boolean): string | null {
  if (settings.usersFile !== null || !hasStateDir) return settings.usersFile
  return usersFileOfStateDir(settings.stateDir)
}

function wrap<Result>(code: TurndError['code'], action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    if (error instanceof TurndError || !(error instanceof Error)) throw error
    throw new TurndError(code, error.message, { cause: error })
  }
}
