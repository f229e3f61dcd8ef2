// `turnd user add|list|disable|enable|remove|import`: edits the users file. Called by turnd.ts with the arguments after `user`.
import { AdminPasswords, preparedAdminPassword } from '../auth/admin-password.js'
import { createPrivateDirectory, errorText } from '../auth/private-file.js'
import { generatePassword } from '../auth/state-dir.js'
import { addUser, changeUser, importUsers, listUsers, removeUser } from '../auth/users-file-edit.js'
import {
  describeUser,
  isSameUser,
  makeAdminLine,
  makeUsersFileLine,
  type UserLine,
  type UsersFileEntry,
} from '../auth/users-file-line.js'
import { CommandError } from './command-words.js'
import { type PasswordInput, promptPassword, readPasswordLine } from './password-input.js'
import { parseUserArguments, USER_HELP, type UserArguments } from './user-arguments.js'
import { readUsersToImport, reportImport } from './user-import.js'

export interface UserCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly stdin: PasswordInput
  readonly env: NodeJS.ProcessEnv
}

/** Runs the command. Returns the exit code: 0, 1 (the user exists, or does not), 2 (anything else, after one sentence). */
export async function runUserCommand(argv: readonly string[], io: UserCommandIo): Promise<number> {
  try {
    const options = parseUserArguments(argv, io.env)
    if (options.action === 'add') return await add(options, io)
    if (options.action === 'remove') return await remove(options, io)
    if (options.action === 'list') return list(options, io)
    if (options.action === 'import') return await importFrom(options, io)
    if (options.action !== 'help') return await setDisabled(options, options.action === 'disable', io)
    io.stdout.write(USER_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd user: ${error.message}\n`)
    return 2
  }
}

async function add(options: UserArguments, io: UserCommandIo): Promise<number> {
  const { identity, isGenerated, isReplacing, usersFile } = options
  // Before anybody is asked for a password; decided again under the lock.
  if (!isReplacing && readEntries(usersFile).some((entry) => isSameUser(entry, identity))) {
    return refuseExisting(options, io)
  }
  const password = isGenerated ? generatePassword() : await readPassword(options, io)
  const line = await makeLine(options, password)
  createStateDirectory(options)
  // Somebody must have it before it counts.
  if (isGenerated) await writePassword(password, options, io)
  const result = await asCommandError(() => addUser(usersFile, line, isReplacing))
  if (result === 'exists') return refuseExisting(options, io)
  // A script reads the generated password, and nothing else, from standard output.
  const report = isGenerated ? io.stderr : io.stdout
  report.write(`${result} ${describeUser(identity)} ${result === 'added' ? 'to' : 'in'} ${usersFile}\n`)
  return 0
}

/** Resolves when the system has taken it. Throws a CommandError: the user is not touched then. */
function writePassword(password: string, { identity }: UserArguments, io: UserCommandIo): Promise<void> {
  return new Promise((resolve, reject) => {
    io.stdout.write(`${password}\n`, (error) => {
      if (!error) resolve()
      else
        reject(new CommandError(`nobody has got the password (${errorText(error)}), so ${identity.user} is as before`))
    })
  })
}

async function remove(options: UserArguments, io: UserCommandIo): Promise<number> {
  const { identity, usersFile } = options
  const isThere = readEntries(usersFile).some((entry) => isSameUser(entry, identity))
  if (!isThere || !(await asCommandError(() => removeUser(usersFile, identity)))) return refuseMissing(options, io)
  io.stdout.write(`removed ${describeUser(identity)} from ${usersFile}\n`)
  return 0
}

async function setDisabled(options: UserArguments, disabled: boolean, io: UserCommandIo): Promise<number> {
  const { identity, usersFile } = options
  const entry = readEntries(usersFile).find((one) => isSameUser(one, identity))
  if (entry === undefined) return refuseMissing(options, io)
  const word = disabled ? 'disabled' : 'enabled'
  if (entry.disabled === disabled) {
    io.stdout.write(`${describeUser(identity)} is ${word} already in ${usersFile}\n`)
    return 0
  }
  const changed = await asCommandError(() => changeUser(usersFile, identity, (before) => ({ ...before, disabled })))
  if (changed === null) return refuseMissing(options, io)
  io.stdout.write(`${word} ${describeUser(identity)} in ${usersFile}\n`)
  return 0
}

async function importFrom(options: UserArguments, io: UserCommandIo): Promise<number> {
  const { isReplacing, usersFile } = options
  const users = await asCommandError(() => readUsersToImport(options, io.stdin))
  createStateDirectory(options)
  return reportImport(await asCommandError(() => importUsers(usersFile, users, isReplacing)), options, io)
}

function list({ givenRealm, usersFile }: UserArguments, io: UserCommandIo): number {
  const entries = readEntries(usersFile)
  const shown = entries.filter(({ realm, role }) => givenRealm === '' || role === 'admin' || realm === givenRealm)
  if (shown.length === 0) io.stderr.write(`turnd user: no users in ${usersFile}\n`)
  for (const entry of shown) {
    const { disabled, realm, role, user } = entry
    const columns = [user, realm || '-', keysOf(entry), role, disabled ? 'disabled' : 'enabled']
    io.stdout.write(`${columns.join('\t')}\n`)
  }
  return 0
}

function keysOf(entry: UsersFileEntry): string {
  if (entry.role === 'admin') return 'scrypt'
  return entry.sha256Key === null ? 'md5' : 'md5,sha256'
}

function refuseExisting({ identity, usersFile }: UserArguments, io: UserCommandIo): number {
  io.stderr.write(`turnd user: ${describeUser(identity)} is already in ${usersFile}; --replace sets a new password\n`)
  return 1
}

function refuseMissing({ identity, usersFile }: UserArguments, io: UserCommandIo): number {
  const { realm, role, user } = identity
  const namesakes = readEntries(usersFile).filter((entry) => entry.user === user)
  const ofOtherRealm = namesakes.find((entry) => entry.role === 'turn' && entry.realm !== realm)
  const isAdmin = namesakes.some((entry) => entry.role === 'admin')
  const what = role === 'admin' ? `no admin user ${user}` : `no user ${user} of realm ${realm}`
  let hint = ''
  if (role === 'turn' && ofOtherRealm !== undefined) hint = `; try --realm ${ofOtherRealm.realm}`
  else if (role === 'turn' && isAdmin) hint = '; try --admin'
  else if (role === 'admin' && ofOtherRealm !== undefined)
    hint = `; without --admin there is one of realm ${ofOtherRealm.realm}`
  io.stderr.write(`turnd user: there is ${what} in ${usersFile}${hint}\n`)
  return 1
}

async function readPassword(options: UserArguments, io: UserCommandIo): Promise<string> {
  const isPrompted = io.stdin.isTTY === true && !options.isPasswordFromStdin
  try {
    return await (isPrompted ? promptPassword(io.stdin, io.stderr, options.identity.user) : readPasswordLine(io.stdin))
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(error.message) : error
  }
}

async function makeLine({ identity }: UserArguments, password: string): Promise<UserLine> {
  const { realm, role, user } = identity
  try {
    if (role === 'turn') return makeUsersFileLine(user, realm, password)
    return makeAdminLine(user, await new AdminPasswords().hash(preparedAdminPassword(password)))
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(error.message) : error
  }
}

function readEntries(usersFile: string): UsersFileEntry[] {
  try {
    return listUsers(usersFile)
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

function createStateDirectory({ stateDirectory }: UserArguments): void {
  if (stateDirectory === '') return
  try {
    createPrivateDirectory(stateDirectory)
  } catch (error) {
    throw new CommandError(`--state-dir ${stateDirectory}: ${errorText(error)}`)
  }
}

async function asCommandError<Result>(edit: () => Promise<Result>): Promise<Result> {
  try {
    return await edit()
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}
