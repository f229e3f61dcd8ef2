// `turnd user add|list|remove`: edits the users file. Called by turnd.ts with the arguments after `user`.
import { createPrivateDirectory, errorText } from '../auth/private-file.js'
import { generatePassword } from '../auth/state-dir.js'
import { makeUsersFileLine, type UsersFileEntry, type UsersFileLine } from '../auth/users-file.js'
import { addUser, listUsers, removeUser } from '../auth/users-file-edit.js'
import { CommandError } from './command-words.js'
import { type PasswordInput, promptPassword, readPasswordLine } from './password-input.js'
import { parseUserArguments, USER_HELP, type UserArguments } from './user-arguments.js'

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
    io.stdout.write(USER_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd user: ${error.message}\n`)
    return 2
  }
}

async function add(options: UserArguments, io: UserCommandIo): Promise<number> {
  const { name, realm, usersFile, isReplacing } = options
  // Before anybody is asked for a password; decided again under the lock.
  if (!isReplacing && readEntries(usersFile).some((entry) => entry.user === name && entry.realm === realm)) {
    return refuseExisting(options, io)
  }
  const password = options.isGenerated ? generatePassword() : await readPassword(options, io)
  const line = makeLine(name, realm, password)
  createStateDirectory(options)
  const result = await asCommandError(() => addUser(usersFile, line, isReplacing))
  if (result === 'exists') return refuseExisting(options, io)
  // A script reads the generated password, and nothing else, from standard output.
  const report = options.isGenerated ? io.stderr : io.stdout
  report.write(`${result} ${name} (realm ${realm}) ${result === 'added' ? 'to' : 'in'} ${usersFile}\n`)
  if (options.isGenerated) io.stdout.write(`${password}\n`)
  return 0
}

async function remove(options: UserArguments, io: UserCommandIo): Promise<number> {
  const { name, realm, usersFile } = options
  const namesakes = readEntries(usersFile).filter((entry) => entry.user === name)
  const isThere = namesakes.some((entry) => entry.realm === realm)
  if (isThere && (await asCommandError(() => removeUser(usersFile, name, realm)))) {
    io.stdout.write(`removed ${name} (realm ${realm}) from ${usersFile}\n`)
    return 0
  }
  const realms = namesakes.map((entry) => entry.realm).filter((other) => other !== realm)
  const hint = realms.length === 0 ? '' : `; try --realm ${realms[0]}`
  io.stderr.write(`turnd user: there is no user ${name} of realm ${realm} in ${usersFile}${hint}\n`)
  return 1
}

function list(options: UserArguments, io: UserCommandIo): number {
  const entries = readEntries(options.usersFile)
  const shown = options.isRealmGiven ? entries.filter((entry) => entry.realm === options.realm) : entries
  if (shown.length === 0) io.stderr.write(`turnd user: no users in ${options.usersFile}\n`)
  for (const { user, realm, sha256Key } of shown) {
    io.stdout.write(`${user}\t${realm}\t${sha256Key === null ? 'md5' : 'md5,sha256'}\n`)
  }
  return 0
}

function refuseExisting({ name, realm, usersFile }: UserArguments, io: UserCommandIo): number {
  io.stderr.write(`turnd user: ${name} (realm ${realm}) is already in ${usersFile}; --replace sets a new password\n`)
  return 1
}

async function readPassword(options: UserArguments, io: UserCommandIo): Promise<string> {
  const isPrompted = io.stdin.isTTY === true && !options.isPasswordFromStdin
  try {
    return await (isPrompted ? promptPassword(io.stdin, io.stderr, options.name) : readPasswordLine(io.stdin))
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(error.message) : error
  }
}

/** Name and realm are prepared already, so what is wrong now is the password. */
function makeLine(name: string, realm: string, password: string): UsersFileLine {
  try {
    return makeUsersFileLine(name, realm, password)
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
