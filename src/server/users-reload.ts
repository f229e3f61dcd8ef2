// The users of other settings, and of files that are read again: prepared first, which may fail and changes nothing, and taken over or let
// go then.
import type { SettingChange } from '../admin/schema/operations.js'
import type { ReadUsers } from '../auth/users-file-store.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import type { PreparedKeys } from './oauth-keyring.js'
import { OutsideUsers } from './outside-users.js'
import { isSecretFile, isUsersFile, loadUsers, takeSecrets, type Users, wrap } from './users.js'

export interface PreparedUsers {
  /** The present ones, if there are no others than those of the users file. */
  readonly users: Users
  /** What is in files, and is not the same as before. */
  readonly changes: readonly SettingChange[]
  /** The users file is read; what it held before is forgotten. */
  commit(): void
  abandon(): void
}

interface UsersRequest {
  readonly present: Users
  /** Of the present users. */
  readonly from: Settings
  readonly to: Settings
  readonly hasStateDir: boolean
  /** Nothing is to be generated either. */
  readonly isDryRun: boolean
  readonly logger: Logger
  onProblem(text: string): void
}

/** Throws TurndError. */
export async function prepareUsers(request: UsersRequest): Promise<PreparedUsers> {
  const { logger, present, to } = request
  const outside = await OutsideUsers.open(to, logger, present.outside)
  try {
    return prepareWith(request, outside)
  } catch (error) {
    if (outside !== present.outside) await outside?.close()
    throw error
  }
}

function prepareWith(request: UsersRequest, outside: OutsideUsers | null): PreparedUsers {
  const oauth = request.present.oauth.prepare(request.to)
  try {
    return prepareBeside(request, oauth, outside)
  } catch (error) {
    oauth.abandon()
    throw error
  }
}

function prepareBeside(request: UsersRequest, oauth: PreparedKeys, outside: OutsideUsers | null): PreparedUsers {
  const { from, hasStateDir, isDryRun, onProblem, present, to } = request
  const known = isUsersFile(present.usersFile, to, hasStateDir) ? present.usersFile : null
  const read = known === null ? null : wrap('TURND_ERR_USERS_FILE', () => known.readAgain())
  const readSecrets = isSecretFile(present.secretFile, to) ? (present.secretFile?.readAgain() ?? null) : null
  const fileUserCount = read?.count ?? 0
  const knownUsers = { users: present, fileUserCount, mayGenerate: !isDryRun }
  const loaded = loadUsers(to, hasStateDir, onProblem, knownUsers, outside)
  const users = isSameBeside(present, loaded) ? present : loaded
  const ofSecretFile = readSecrets?.content ?? loaded.secretFile?.content ?? []
  return {
    users,
    changes: [
      ...secretFileChange(from, to, present, ofSecretFile),
      ...oauth.changes,
      ...usersFileChange(present, loaded, read),
      ...generatedUserChange(present, loaded),
      ...outsideChange(present, loaded),
    ],
    commit: () => {
      read?.take()
      if (users.usersFile !== present.usersFile) present.usersFile?.close()
      if (users.secretFile !== present.secretFile) present.secretFile?.close()
      takeSecrets(users, to, ofSecretFile)
      readSecrets?.take()
      oauth.commit()
      known?.setGuest(users.guest)
      if (outside !== present.outside) void present.outside?.close()
      outside?.configure(to)
    },
    abandon: () => {
      oauth.abandon()
      if (users.usersFile !== present.usersFile) users.usersFile?.close()
      if (users.secretFile !== present.secretFile) users.secretFile?.close()
      if (outside !== present.outside) void outside?.close()
    },
  }
}

function generatedUserChange({ generatedUser: from }: Users, { generatedUser: to }: Users): SettingChange[] {
  if (from === to) return []
  const shown = (user: Users['generatedUser']) => user?.username ?? 'none'
  const note = to === null ? 'there are other users now' : `nobody else is configured; its password is in ${to.path}`
  return [{ name: 'the generated user', from: shown(from), to: shown(to), effect: 'live', note }]
}

/** The same stores by their options, and not by what is in files. */
function outsideChange({ outside: before }: Users, { outside: after }: Users): SettingChange[] {
  const names = (outside: Users['outside']) => (outside?.facts().stores ?? []).map(({ name }) => name).join(', ')
  if (before === after || names(before) !== names(after)) return []
  const note = 'read again: what was known of their users is forgotten'
  return [{ name: 'how outside stores are asked', from: names(before), to: 'changed', effect: 'live', note }]
}

/** The same files, and users of the options. Secrets are no part of it: whoever uses them follows their list. */
function isSameBeside(present: Users, loaded: Users): boolean {
  if (present.secretFile !== loaded.secretFile) return false
  if (present.usersFile !== loaded.usersFile || present.generatedUser !== loaded.generatedUser) return false
  return present.optionsDigest === loaded.optionsDigest
}

function secretFileChange(from: Settings, to: Settings, present: Users, after: readonly string[]): SettingChange[] {
  if (to.authSecretFile === null || to.authSecretFile !== from.authSecretFile) return []
  const before = present.secretList.of('file')
  if (before.join('\n') === after.join('\n')) return []
  const addedCount = after.filter((secret) => !before.includes(secret)).length
  const removedCount = before.filter((secret) => !after.includes(secret)).length
  const [shownBefore, shownAfter] = [counted(before.length, 'secret'), counted(after.length, 'secret')]
  return [
    {
      name: 'the secret file',
      from: shownBefore,
      to: shownBefore === shownAfter ? 'changed' : shownAfter,
      effect: 'live',
      note: `read again: ${addedCount} added, ${removedCount} removed`,
    },
  ]
}

function usersFileChange(present: Users, loaded: Users, read: ReadUsers | null): SettingChange[] {
  if (read === null) {
    // The one of the state directory is no option of its own: it is there since the first user was added.
    const [before, after] = [present.usersFile, loaded.usersFile]
    if (before === after) return []
    const shown = (file: Users['usersFile']) => (file === null ? 'none' : counted(file.turnUsers().length, 'user'))
    return [{ name: 'the users file', from: shown(before), to: shown(after), effect: 'live', note: '' }]
  }
  const { addedCount, count, rekeyedCount, removedCount } = read
  if (addedCount + rekeyedCount + removedCount === 0) return []
  const [before, after] = [counted(present.usersFile?.turnUsers().length ?? 0, 'user'), counted(count, 'user')]
  return [
    {
      name: 'the users file',
      from: before,
      to: before === after ? 'changed' : after,
      effect: 'live',
      note: `read again: ${addedCount} added, ${removedCount} removed, ${rekeyedCount} with new keys`,
    },
  ]
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}
