// `turnd user import`: the users of another file, or of what another program prints, and what is said of them afterwards. Called by user.ts.
import { readFileSync, statSync } from 'node:fs'
import { errorText } from '../auth/private-file.js'
import { parseUsersFile } from '../auth/users-file.js'
import type { ImportResult } from '../auth/users-file-edit.js'
import { describeUser, type UserLine, type UsersFileEntry } from '../auth/users-file-line.js'
import { USERS_FILE_BYTES_MAX } from '../limits/files.js'
import type { UserArguments } from './user-arguments.js'

/** Users named in one message; the rest is counted. */
const USER_COUNT_SHOWN = 3

interface Streams {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** The users of the file that have the realm, if one was given. Rejects with an Error that names the file, and the line if one is wrong. */
export async function readUsersToImport(
  { givenRealm, importFile }: UserArguments,
  stdin: NodeJS.ReadableStream,
): Promise<UserLine[]> {
  const name = importFile === '-' ? 'standard input' : importFile
  const bytes = importFile === '-' ? await readStream(stdin) : readFile(importFile)
  let lines: UserLine[]
  try {
    lines = parseUsersFile(bytes).flatMap(({ entry, text }) => (entry === null ? [] : [{ entry, text: text.trim() }]))
  } catch (error) {
    throw new Error(`${name}, ${error instanceof Error ? error.message : error}; nobody was imported`)
  }
  if (lines.length === 0) throw new Error(`${name} has no users`)
  const ours = lines.filter(({ entry }) => givenRealm === '' || entry.role === 'admin' || entry.realm === givenRealm)
  if (ours.length > 0) return ours
  throw new Error(`${name} has no user of realm ${givenRealm}, but of ${lines[0].entry.realm}: keys hold for one realm`)
}

/** Says who was imported. Returns the exit code. */
export function reportImport(
  { added, kept, replaced }: ImportResult,
  { importFile, usersFile }: UserArguments,
  { stderr, stdout }: Streams,
): number {
  stdout.write(
    `added ${counted(added)} to ${usersFile}${replaced.length === 0 ? '' : `, replaced ${replaced.length}`}\n`,
  )
  const md5Alone = [...added, ...replaced].filter(({ role, ...entry }) => role === 'turn' && hasMd5Alone(entry))
  if (md5Alone.length > 0) {
    stdout.write(
      `${counted(md5Alone)} of them with an MD5 key alone: no client is offered SHA-256 while such a user may log in; ` +
        'turnd user add NAME --replace makes both keys\n',
    )
  }
  if (kept.length === 0) return 0
  const names = kept.slice(0, USER_COUNT_SHOWN).map(describeUser)
  const rest = kept.length - names.length
  stderr.write(
    `turnd user: already in ${usersFile}, and as before: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}; ` +
      `--replace takes the keys of ${importFile}\n`,
  )
  return 1
}

function hasMd5Alone(entry: object): boolean {
  return 'sha256Key' in entry && entry.sha256Key === null
}

/** Whoever imports admin users should see it: they log in to the status page. */
function counted(entries: readonly UsersFileEntry[]): string {
  const admins = entries.filter(({ role }) => role === 'admin').length
  const users = plural(entries.length - admins, 'user')
  return admins === 0 ? users : `${users} and ${plural(admins, 'admin user')}`
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}

function readFile(path: string): Uint8Array {
  try {
    if (statSync(path).size > USERS_FILE_BYTES_MAX) throw new Error(`it is larger than ${USERS_FILE_BYTES_MAX} bytes`)
    return readFileSync(path)
  } catch (error) {
    throw new Error(`${path}: ${errorText(error)}`, { cause: error })
  }
}

async function readStream(stdin: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk))
    length += chunk.length
    if (length > USERS_FILE_BYTES_MAX) throw new Error(`standard input has more than ${USERS_FILE_BYTES_MAX} bytes`)
  }
  return Buffer.concat(chunks)
}
