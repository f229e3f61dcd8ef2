// Users as an operator of the page and the API sees and changes them: the users file, edited as `turnd user` does it (lock, whole or not at all) and read
// again at once; beside it those of --user and the generated one, which are shown and changed elsewhere. Passwords of admin users are checked here.
import { hash } from 'node:crypto'
import { type Administered, AdminProblem } from '../admin/administered.js'
import type { ChangedUser, User, UserAddition, UserChange, UserRole } from '../admin/schema/users.js'
import { AdminPasswords, dummyPassword, PasswordQueueFullError, preparedAdminPassword } from '../auth/admin-password.js'
import type { Credential } from '../auth/credentials.js'
import { opaqueString } from '../auth/opaque-string.js'
import { createPrivateDirectory, errorCode, errorText } from '../auth/private-file.js'
import { generatePassword } from '../auth/state-dir.js'
import { addUser, changeUser, removeUser } from '../auth/users-file-edit.js'
import {
  lineOf,
  makeAdminLine,
  makeUsersFileLine,
  type UserIdentity,
  type UserLine,
  type UsersFileEntry,
} from '../auth/users-file-line.js'
import type { UsersFileStore } from '../auth/users-file-store.js'
import type { Settings } from '../config/settings.js'
import type { Users } from './users.js'

export interface UserAdminParts {
  settings(): Settings
  users(): Users
  /** Allocations of now, by the name of their user. Rejects with an AdminProblem if a worker is silent. */
  allocationCounts(): Promise<ReadonlyMap<string, number>>
}

type Offered = 'addUser' | 'changeUser' | 'removeUser' | 'verifyAdmin' | 'adminStamp'

export class UserAdmin implements Pick<Administered, Offered> {
  readonly #parts: UserAdminParts
  readonly #passwords = new AdminPasswords()

  constructor(parts: UserAdminParts) {
    this.#parts = parts
  }

  /** TURN users first, each role by name. A user of the file whom --user hides is not told twice. */
  async users(): Promise<User[]> {
    const counts = await this.#countsOrNone()
    const { realm } = this.#parts.settings()
    const { usersFile } = this.#parts.users()
    const turnUser = (name: string, source: User['source'], disabled = false): User => {
      return { name, role: 'turn', realm, source, disabled, allocations: counts.get(name) ?? 0 }
    }
    const given = this.#givenNames()
    const guest = usersFile?.guest ?? null
    const ofFile = (usersFile?.turnUsers() ?? []).filter(({ username }) => !given.has(username))
    const admins = [...(usersFile?.admins() ?? [])]
    return [
      ...[
        ...[...given].map((name) => turnUser(name, 'option')),
        ...(guest === null ? [] : [turnUser(guest.username, 'generated')]),
        ...ofFile.map((one) => turnUser(one.username, 'users-file', one.isDisabled)),
      ].sort(byName),
      ...admins.map((one) => adminUser(one.user, one.disabled)).sort(byName),
    ]
  }

  async addUser({ name, password, role }: UserAddition): Promise<ChangedUser> {
    const file = this.#file()
    const identity = this.#identity(role, name)
    this.#refuseFixed(identity, 'USER_EXISTS')
    const given = password ?? generatePassword()
    const line = await this.#makeLine(identity, given)
    // It would be gone after the next start or reload, with everybody who uses it.
    const others = role === 'turn' && file.guest !== null ? [lineOfGuest(identity, file.guest)] : []
    const result = await this.#edit(file, () => {
      const { stateDir, usersFile } = this.#parts.settings()
      if (usersFile === null) createPrivateDirectory(stateDir)
      return addUser(file.path, line, false, others)
    })
    if (result === 'exists')
      throw new AdminProblem(
        409,
        'USER_EXISTS',
        `the ${describe(identity)} exists already: give that one a new password, or choose another name`,
      )
    return { user: await this.#described(line.entry), ...(password === undefined ? { password: given } : {}) }
  }

  async changeUser(name: string, role: UserRole, change: UserChange): Promise<ChangedUser> {
    const { disabled, generatePassword: isGenerating = false, password } = change
    const isPasswordNew = isGenerating || password !== undefined
    if (isGenerating && password !== undefined) throw bad('give password or generatePassword, not both')
    if (!isPasswordNew && disabled === undefined) throw bad('give disabled, password or generatePassword')
    const file = this.#file()
    const identity = this.#identity(role, name)
    this.#refuseFixed(identity, 'USER_NOT_CHANGEABLE')
    const given = password ?? generatePassword()
    const line = isPasswordNew ? await this.#makeLine(identity, given) : null
    const entry = await this.#edit(file, () =>
      changeUser(file.path, identity, (before) => {
        return { ...(line?.entry ?? before), disabled: disabled ?? before.disabled }
      }),
    )
    if (entry === null) throw missing(identity)
    return { user: await this.#described(entry), ...(isGenerating ? { password: given } : {}) }
  }

  async removeUser(name: string, role: UserRole): Promise<void> {
    const file = this.#file()
    const identity = this.#identity(role, name)
    this.#refuseFixed(identity, 'USER_NOT_CHANGEABLE')
    if (!(await this.#edit(file, () => removeUser(file.path, identity)))) throw missing(identity)
  }

  /** Throws an AdminProblem when too many passwords are being checked. */
  async verifyAdmin(name: string, password: string): Promise<boolean> {
    const entry = this.#findAdmin(name)
    // The costs of the others, so that time tells nobody who exists.
    const [other] = this.#parts.users().usersFile?.admins() ?? []
    const stored = entry?.scrypt ?? dummyPassword(other?.scrypt ?? null)
    const isRight = await this.#inTurn(() => this.#passwords.verify(password, stored))
    // Much may have changed meanwhile.
    return isRight && this.adminStamp(name) === stampOf(stored)
  }

  adminStamp(name: string): string | null {
    const entry = this.#findAdmin(name)
    return entry === null || entry.disabled ? null : stampOf(entry.scrypt)
  }

  #findAdmin(name: string) {
    const prepared = preparedOrNull(name)
    return prepared === null ? null : (this.#parts.users().usersFile?.findAdmin(prepared) ?? null)
  }

  /** Throws an AdminProblem where there is no users file, and can be none. */
  #file(): UsersFileStore {
    const { usersFile } = this.#parts.users()
    if (usersFile !== null) return usersFile
    throw new AdminProblem(
      409,
      'NO_USERS_FILE',
      'this server keeps no users, since it has neither a users file nor a state directory: give it usersFile or stateDir',
    )
  }

  #identity(role: UserRole, name: string): UserIdentity {
    let user: string
    try {
      user = opaqueString(name)
    } catch (error) {
      throw bad(`the user name ${(error as Error).message}`)
    }
    return role === 'admin'
      ? { role, user, realm: '' }
      : { role, user, realm: opaqueString(this.#parts.settings().realm) }
  }

  /** Throws an AdminProblem for a user whom the users file does not decide about. */
  #refuseFixed(identity: UserIdentity, code: string): void {
    const { role, user } = identity
    if (role !== 'turn') return
    if (this.#givenNames().has(user)) {
      throw new AdminProblem(
        409,
        code,
        `${user} is given by the option --user: change it there, then reload, or restart if it is on the command line`,
      )
    }
    const { generatedUser, usersFile } = this.#parts.users()
    if (usersFile?.guest?.username !== user) return
    const where = generatedUser?.path ? `its password is in ${generatedUser.path}` : 'its password is in memory only'
    throw new AdminProblem(
      409,
      code,
      `${user} was generated because there is no other user, and ${where}: add another TURN user, and both are in the users file, where they can be changed`,
    )
  }

  #givenNames(): Set<string> {
    return new Set(this.#parts.settings().user.map(({ name }) => opaqueString(name)))
  }

  async #makeLine({ realm, role, user }: UserIdentity, password: string): Promise<UserLine> {
    try {
      if (role === 'turn') return makeUsersFileLine(user, realm, password)
      const prepared = preparedAdminPassword(password)
      return makeAdminLine(user, await this.#inTurn(() => this.#passwords.hash(prepared)))
    } catch (error) {
      throw error instanceof RangeError ? bad(error.message) : error
    }
  }

  async #inTurn<Result>(compute: () => Promise<Result>): Promise<Result> {
    try {
      return await compute()
    } catch (error) {
      if (!(error instanceof PasswordQueueFullError)) throw error
      throw new AdminProblem(429, 'TOO_MANY_REQUESTS', error.message)
    }
  }

  /** Resolves when every worker knows. Throws an AdminProblem, with the file as it was. */
  async #edit<Result>(file: UsersFileStore, edit: () => Promise<Result>): Promise<Result> {
    let result: Result
    try {
      result = await edit()
    } catch (error) {
      const reason = errorCode(error) === '' ? (error as Error).message : `${file.path}: ${errorText(error)}`
      throw new AdminProblem(500, 'TURND_ERR_USERS_FILE', `nothing was changed: ${reason}`)
    }
    const isRead = file.reload()
    await file.whenTold()
    if (isRead) return result
    // Somebody else has broken it in this moment; the warning says how.
    throw new AdminProblem(
      500,
      'TURND_ERR_USERS_FILE',
      `${file.path} was changed, but cannot be read any more: look at the latest warning`,
    )
  }

  async #described({ disabled, realm, role, user: name }: UsersFileEntry): Promise<User> {
    if (role === 'admin') return adminUser(name, disabled)
    const counts = await this.#countsOrNone()
    return { name, role, realm, source: 'users-file', disabled, allocations: counts.get(name) ?? 0 }
  }

  /** Who is there does not depend on it, and what was done is done, with a password made up perhaps: no silent worker takes an answer away. */
  #countsOrNone(): Promise<ReadonlyMap<string, number>> {
    return this.#parts.allocationCounts().catch(() => new Map<string, number>())
  }
}

function adminUser(name: string, disabled: boolean): User {
  return { name, role: 'admin', realm: '', source: 'users-file', disabled, allocations: 0 }
}

function byName(one: User, other: User): number {
  return one.name < other.name ? -1 : 1
}

function lineOfGuest({ realm }: UserIdentity, { md5Key, sha256Key, username }: Credential): UserLine {
  if (md5Key === null) throw new Error('a user with a password has an MD5 key')
  return lineOf({ role: 'turn', user: username, realm, disabled: false, md5Key, sha256Key })
}

function describe({ role, user }: UserIdentity): string {
  return role === 'admin' ? `admin user ${user}` : `TURN user ${user}`
}

function missing(identity: UserIdentity): AdminProblem {
  return new AdminProblem(404, 'NOT_FOUND', `there is no ${describe(identity)}: look at the list of users`)
}

function bad(message: string): AdminProblem {
  return new AdminProblem(400, 'BAD_REQUEST', message)
}

function preparedOrNull(name: string): string | null {
  try {
    return opaqueString(name)
  } catch {
    return null
  }
}

/** Every hash has a salt of its own; it stays in the users file. */
function stampOf(scrypt: string): string {
  return hash('sha256', scrypt, 'base64url')
}
