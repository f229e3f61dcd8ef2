// Who may log in: the files of users and secrets can be read, hold somebody, and are read by nobody else.
import { loadOAuthKeys } from '../../auth/oauth-keys-file.js'
import { isExpired } from '../../auth/oauth-token.js'
import { errorText } from '../../auth/private-file.js'
import { loadSecretFile } from '../../auth/secret-file.js'
import { UsersFileStore, usersFileOfStateDir } from '../../auth/users-file-store.js'
import { readConfigFile } from '../../config/config-file.js'
import { TurndError } from '../../config/errors.js'
import { readImportedFile } from '../../config/imported-file.js'
import { findOptionByKey } from '../../config/options.js'
import { quoted } from '../../config/printable.js'
import { readTextFile } from '../../config/read-text-file.js'
import type { Settings } from '../../config/settings.js'
import type { GivenOption } from '../../config/source.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { counted } from '../durations.js'
import type { Machine } from '../machine.js'
import { faultOf } from '../two-parts.js'
import { fileRemedy, notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

const MODE_OF_OTHERS = 0o077
/** A config file of root's may be there for the group of turnd. */
const MODE_OF_EVERYBODY = 0o007

export interface UsersFacts {
  readonly realm: string
  /** Of --user. */
  readonly staticCount: number
  readonly secretCount: number
  /** Keys of third-party authorization. */
  readonly oauthKeyCount: number
  /** Ids of those that do not hold any more. */
  readonly expiredKids: readonly string[]
  /** TURN users of the realm in the users file. */
  readonly fileCount: number
  /** A store outside the server knows others. */
  readonly hasOutsideStore: boolean
  /** Was the file named, so that nobody is generated? */
  readonly isFileNamed: boolean
  /** Files of secrets that others may read. */
  readonly openFiles: readonly string[]
  /** Files of options with secrets in them that everybody may read. */
  readonly openConfigs: readonly string[]
}

export function judgeUsers(facts: UsersFacts): Judgement[] {
  const { expiredKids, fileCount, hasOutsideStore, isFileNamed, oauthKeyCount, openConfigs, openFiles } = facts
  const { realm, secretCount, staticCount } = facts
  const open = [
    ...expiredKids.map((kid) =>
      warning(
        `the key ${quoted(kid)} of --oauth-keys has expired, and tokens made with it are refused`,
        'Take its line out, or give it a later NOT-BEFORE or LIFETIME if the authorization server still uses it',
      ),
    ),
    ...openFiles.map((path) =>
      warning(`file ${path} holds secrets and can be read by others`, `Run chmod 600 ${path}`),
    ),
    ...openConfigs.map((path) =>
      warning(
        `${path} has passwords or secrets in it, and everybody on this machine can read it`,
        `Run chmod 600 ${path}, and make the account that runs turnd its owner`,
      ),
    ),
  ]
  if (hasOutsideStore || staticCount + secretCount + oauthKeyCount + fileCount > 0) {
    const kinds = [
      ...(staticCount + fileCount > 0 ? [counted(staticCount + fileCount, 'user')] : []),
      ...(secretCount > 0 ? [counted(secretCount, 'TURN REST secret')] : []),
      ...(oauthKeyCount > 0 ? [`tokens of ${counted(oauthKeyCount, 'OAuth key')}`] : []),
      ...(hasOutsideStore ? ['whoever an outside store knows'] : []),
    ]
    return open.length > 0 ? open : [well(`${kinds.join(' and ')} in realm ${realm}`)]
  }
  if (!isFileNamed)
    return [...open, well(`nobody is configured: the generated user serves, whose password is in the state directory`)]
  return [
    fault(
      `nobody can log in to realm ${realm}`,
      `the users file has no TURN user of realm ${realm}`,
      `Add one: turnd user add NAME --realm ${realm}`,
    ),
    ...open,
  ]
}

export const users: Check<InsideScene> = {
  id: 'users',
  needs: ['configuration'],
  async run({ machine, running, settings }) {
    try {
      return judgeUsers(lookAtUsers(settings, machine))
    } catch (error) {
      return notReadable(error, running.length > 0) ?? faultOf(errorText(error), fileRemedy(error, 'Mend that file'))
    }
  },
}

/** Throws an Error: what keeps a server from starting. */
function lookAtUsers(settings: Settings, machine: Machine): UsersFacts {
  const { authSecret, authSecretFile, authWebhookTokenFile, credentialsTokenFile, metricsTokenFile } = settings
  const { oauthKeys, realm, redisPasswordFile, usersFile } = settings
  const path = usersFile ?? usersFileOfStateDir(settings.stateDir)
  const tokenFiles = [metricsTokenFile, credentialsTokenFile, authWebhookTokenFile]
  const files = [
    authSecretFile,
    oauthKeys,
    settings.key,
    ...tokenFiles,
    redisPasswordFile,
    machine.modeOf(path) === null ? null : path,
  ]
  const isOpen = (file: string) => ((machine.modeOf(file) ?? 0) & MODE_OF_OTHERS) !== 0
  const secretCount = authSecret.length + (authSecretFile === null ? 0 : loadSecretFile(authSecretFile).length)
  const keys = oauthKeys === null ? [] : loadOAuthKeys(oauthKeys, realm)
  const store = new UsersFileStore(path, realm, () => {}, usersFile === null)
  store.close()
  return {
    ...{ realm, staticCount: settings.user.length, isFileNamed: usersFile !== null },
    ...{
      secretCount,
      oauthKeyCount: keys.length,
      expiredKids: keys.filter((key) => isExpired(key, Date.now() / 1000)).map(({ kid }) => kid),
      fileCount: store.userCount,
      hasOutsideStore: settings.authWebhook !== null || settings.redis !== null,
    },
    openFiles: files.filter((file) => file !== null).filter(isOpen),
    openConfigs: configsWithSecrets(settings).filter((file) => ((machine.modeOf(file) ?? 0) & MODE_OF_EVERYBODY) !== 0),
  }
}

/** Of a server that runs nothing but the paths is known: the files tell. One that may not be read by this account is not open to everybody. */
function configsWithSecrets({ config, coturnConfig, expresswayConfig }: Settings): string[] {
  const imports = [
    ['coturnConfig', coturnConfig],
    ['expresswayConfig', expresswayConfig],
  ] as const
  const hasSecret = (given: readonly GivenOption[]) => given.some(({ option }) => option.secret)
  const found: string[] = []
  try {
    if (config !== null && hasSecret(readConfigFile(config, config, readTextFile))) found.push(config)
    for (const [key, path] of imports) {
      if (path === null) continue
      const { given } = readImportedFile(findOptionByKey(key)!, path, path, readTextFile, new Set())
      if (hasSecret(given)) found.push(path)
    }
  } catch (error) {
    if (!(error instanceof TurndError)) throw error
  }
  return found
}
