// The users file: one user a line, keys instead of passwords. This file is its syntax; loading is in users-file-store.ts, editing in
// users-file-edit.ts. A line is a JSON object {"user","realm","md5","sha256","userhash"} (hex; the last two may be absent), or
// htdigest's `user:realm:md5`; blank lines and lines that start with # are kept as they are.
import { isUtf8 } from 'node:buffer'
import { quoted } from '../config/printable.js'
import { makeCredential, userhash } from './credentials.js'
import { opaqueString } from './opaque-string.js'

/** The users file in the state directory, where no other is named. */
export const DEFAULT_USERS_FILE = 'users.jsonl'

export interface UsersFileEntry {
  readonly user: string
  readonly realm: string
  readonly md5Key: Uint8Array
  readonly sha256Key: Uint8Array | null
}

export interface UsersFileLine {
  /** The line as it stands in the file, without its line feed. */
  readonly text: string
  readonly entry: UsersFileEntry | null
}

/** Something is wrong with a line. The message names it, and never shows keys. */
export class UsersFileError extends Error {
  readonly lineNumber: number

  constructor(lineNumber: number, message: string) {
    super(`line ${lineNumber}: ${message}`)
    this.name = 'UsersFileError'
    this.lineNumber = lineNumber
  }
}

const JSON_KEYS = new Set(['user', 'realm', 'md5', 'sha256', 'userhash'])

/** All lines of a file, in order. Throws a UsersFileError for the first bad one, and for a user who is there twice in one realm. */
export function parseUsersFile(bytes: Uint8Array): UsersFileLine[] {
  const texts = decodeLines(bytes)
  const lineNumbers = new Map<string, number>()
  return texts.map((text, index) => {
    const lineNumber = index + 1
    const entry = parseLine(text.trim(), lineNumber)
    if (entry !== null) {
      const identity = JSON.stringify([entry.user, entry.realm])
      const earlier = lineNumbers.get(identity)
      if (earlier !== undefined) {
        throw new UsersFileError(
          lineNumber,
          `the user ${entry.user} of realm ${entry.realm} is already on line ${earlier}`,
        )
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

/** The line of a user, with keys made from the password. Throws a RangeError if a part is no OpaqueString. */
export function makeUsersFileLine(user: string, realm: string, password: string): UsersFileLine {
  const { username, md5Key, sha256Key } = makeCredential(user, realm, password)
  const preparedRealm = opaqueString(realm)
  if (md5Key === null || sha256Key === null) throw new Error('a password gives both keys')
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
  const text = JSON.stringify({
    user: username,
    realm: preparedRealm,
    md5: hex(md5Key),
    sha256: hex(sha256Key),
    userhash: userhash(username, preparedRealm),
  })
  return { text, entry: { user: username, realm: preparedRealm, md5Key, sha256Key } }
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

function parseLine(text: string, lineNumber: number): UsersFileEntry | null {
  if (text === '' || text.startsWith('#')) return null
  return text.startsWith('{') ? parseJsonLine(text, lineNumber) : parseHtdigestLine(text, lineNumber)
}

function parseHtdigestLine(text: string, lineNumber: number): UsersFileEntry {
  const parts = text.split(':')
  if (parts.length !== 3) {
    throw new UsersFileError(lineNumber, 'is neither a JSON object nor user:realm:md5 with exactly two colons')
  }
  const [user, realm, md5] = parts
  return {
    user: checkedText('user', user, lineNumber),
    realm: checkedText('realm', realm, lineNumber),
    md5Key: checkedHex('md5', md5, 16, lineNumber),
    sha256Key: null,
  }
}

function parseJsonLine(text: string, lineNumber: number): UsersFileEntry {
  const object = parseObject(text, lineNumber)
  for (const key of Object.keys(object)) {
    if (!JSON_KEYS.has(key)) throw new UsersFileError(lineNumber, `has an unknown key ${quoted(key)}`)
  }
  const user = checkedText('user', object.user, lineNumber)
  const realm = checkedText('realm', object.realm, lineNumber)
  const given = object.userhash
  // The userhash is computed anyway. A wrong one means that the name was changed by hand, and then the keys are wrong too.
  if (given !== undefined && String(given).toLowerCase() !== userhash(user, realm)) {
    throw new UsersFileError(
      lineNumber,
      '"userhash" is not that of "user" and "realm": add the user again with its password',
    )
  }
  return {
    user,
    realm,
    md5Key: checkedHex('md5', object.md5, 16, lineNumber),
    sha256Key: object.sha256 === undefined ? null : checkedHex('sha256', object.sha256, 32, lineNumber),
  }
}

function parseObject(text: string, lineNumber: number): Record<string, unknown> {
  try {
    // The text starts with a brace, so what it parses to is an object.
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the line, keys included.
    throw new UsersFileError(lineNumber, 'is not a complete JSON object')
  }
}

function checkedText(key: string, value: unknown, lineNumber: number): string {
  if (typeof value !== 'string') throw new UsersFileError(lineNumber, `"${key}" is missing or not a string`)
  let prepared: string
  try {
    prepared = opaqueString(value)
  } catch (error) {
    throw new UsersFileError(lineNumber, `"${key}" ${error instanceof Error ? error.message : error}`)
  }
  // The keys cover the name as it was written: another form of it would never verify.
  if (prepared !== value)
    throw new UsersFileError(lineNumber, `"${key}" is not in the form of RFC 8265 (NFC, plain spaces)`)
  return value
}

function checkedHex(key: string, value: unknown, byteCount: number, lineNumber: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== byteCount * 2 || !/^[0-9a-fA-F]+$/.test(value)) {
    throw new UsersFileError(lineNumber, `"${key}" is not ${byteCount * 2} hex digits`)
  }
  return Buffer.from(value, 'hex')
}
