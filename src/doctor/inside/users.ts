// Who may log in: the files of users and secrets can be read, hold somebody, and are read by nobody else.
import { errorText } from '../../auth/private-file.js'
import { loadSecretFile } from '../../auth/secret-file.js'
import { UsersFileStore, usersFileOfStateDir } from '../../auth/users-file-store.js'
import type { Settings } from '../../config/settings.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { counted } from '../durations.js'
import type { Machine } from '../machine.js'
import { faultOf } from '../two-parts.js'
import { notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

const MODE_OF_OTHERS = 0o077

export interface UsersFacts {
  readonly realm: string
  /** Of --user. */
  readonly staticCount: number
  readonly secretCount: number
  /** TURN users of the realm in the users file. */
  readonly fileCount: number
  /** Was the file named, so that nobody is generated? */
  readonly isFileNamed: boolean
  /** Files of secrets that others may read. */
  readonly openFiles: readonly string[]
}

export function judgeUsers(facts: UsersFacts): Judgement[] {
  const { fileCount, isFileNamed, openFiles, realm, secretCount, staticCount } = facts
  const open = openFiles.map((path) =>
    warning(`${path} holds secrets and can be read by others`, `Run chmod 600 ${path}`),
  )
  if (staticCount + secretCount + fileCount > 0) {
    const kinds = [
      ...(staticCount + fileCount > 0 ? [counted(staticCount + fileCount, 'user')] : []),
      ...(secretCount > 0 ? [counted(secretCount, 'TURN REST secret')] : []),
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
      return notReadable(error, running.length > 0) ?? faultOf(errorText(error), 'Mend that file')
    }
  },
}

/** Throws an Error: what keeps a server from starting. */
function lookAtUsers(settings: Settings, machine: Machine): UsersFacts {
  const { authSecret, authSecretFile, realm, usersFile } = settings
  const path = usersFile ?? usersFileOfStateDir(settings.stateDir)
  const files = [authSecretFile, settings.key, settings.metricsTokenFile, machine.modeOf(path) === null ? null : path]
  const isOpen = (file: string) => ((machine.modeOf(file) ?? 0) & MODE_OF_OTHERS) !== 0
  const secretCount = authSecret.length + (authSecretFile === null ? 0 : loadSecretFile(authSecretFile).length)
  const store = new UsersFileStore(path, realm, () => {}, usersFile === null)
  store.close()
  return {
    ...{ realm, staticCount: settings.user.length, isFileNamed: usersFile !== null },
    ...{ secretCount, fileCount: store.userCount },
    openFiles: files.filter((file) => file !== null).filter(isOpen),
  }
}
