// The users file: one user a line, keys and hashes instead of passwords. Its lines are read in users-file-line.ts; loading is in
// users-file-store.ts, editing in users-file-edit.ts. A line is one of
//
//   {"user","realm","md5","sha256","userhash"}   a TURN user; hex, the last two may be absent, "disabled" may be there
//   user:realm:md5                               the same, of htdigest
//   {"user","role":"admin","scrypt"}             an admin user; "disabled" may be there
//
// Blank lines and lines that start with # are kept as they are.
import { isUtf8 } from 'node:buffer'
import { parseLine, UsersFileError, type UsersFileLine } from './users-file-line.js'

export {
  type AdminUserEntry,
  makeAdminLine,
  makeUsersFileLine,
  type TurnUserEntry,
  type UserLine,
  type UsersFileEntry,
  UsersFileError,
  type UsersFileLine,
} from './users-file-line.js'

/** The users file in the state directory, where no other is named. */
export const DEFAULT_USERS_FILE = 'users.jsonl'

/** All lines of a file, in order. Throws a UsersFileError for the first bad one, and for a user who is there twice in one role and realm. */
export function parseUsersFile(bytes: Uint8Array): UsersFileLine[] {
  const texts = decodeLines(bytes)
  const lineNumbers = new Map<string, number>()
  return texts.map((text, index) => {
    const lineNumber = index + 1
    const entry = parseLine(text.trim(), lineNumber)
    if (entry !== null) {
      const identity = JSON.stringify([entry.role, entry.user, entry.realm])
      const earlier = lineNumbers.get(identity)
      if (earlier !== undefined) {
        const who = entry.role === 'admin' ? `admin user ${entry.user}` : `user ${entry.user} of realm ${entry.realm}`
        throw new UsersFileError(lineNumber, `the ${who} is already on line ${earlier}`)
      }
      lineNumbers.set(identity, lineNumber)
    }
    return { text, entry }
  })
}

/** The file's text; every line ends in a line feed. */
export function serialiseUsersFile(lines: readonly UsersFileLine[]): string {
  return lines.map((line) => `${line.text}\n`).join('')
}

function decodeLines(bytes: Uint8Array): string[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UsersFileError(lineOfInvalidUtf8(bytes), 'is not UTF-8 text')
  }
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Line feeds are never part of a longer sequence, so lines can be decoded one by one. */
function lineOfInvalidUtf8(bytes: Uint8Array): number {
  let lineNumber = 1
  for (let start = 0; start < bytes.length; lineNumber++) {
    const lineFeed = bytes.indexOf(0x0a, start)
    const end = lineFeed < 0 ? bytes.length : lineFeed
    if (!isUtf8(bytes.subarray(start, end))) return lineNumber
    start = end + 1
  }
  return lineNumber
}
