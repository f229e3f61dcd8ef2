// Edits the users file for `turnd user` and the admin plane: lock, read, change one line, replace the file. Other lines stay as they
// are, comments included, and two editors at once lose nothing. The running server sees the change by itself.
import { readFileSync, realpathSync } from 'node:fs'
import { withLockFile } from './lock-file.js'
import { errorCode, errorText, replacePrivateFile } from './private-file.js'
import { parseUsersFile, serialiseUsersFile } from './users-file.js'
import {
  isSameUser,
  lineOf,
  type UserIdentity,
  type UserLine,
  type UsersFileEntry,
  type UsersFileLine,
} from './users-file-line.js'

export type AddResult = 'added' | 'replaced' | 'exists'

/**
 * Adds a user's line, or replaces it if `replace` is set: who was disabled stays so. Creates the file. Throws an Error that names the file.
 * @param others lines that are added with it, unless their users are there
 */
export function addUser(
  path: string,
  line: UserLine,
  replace = false,
  others: readonly UserLine[] = [],
): Promise<AddResult> {
  return edit(path, (lines): AddResult => {
    const index = indexOf(lines, line.entry)
    if (index >= 0 && !replace) return 'exists'
    if (index < 0) {
      for (const other of others) if (indexOf(lines, other.entry) < 0) lines.push(other)
      lines.push(line)
      return 'added'
    }
    lines[index] = lines[index].entry?.disabled ? lineOf({ ...line.entry, disabled: true }) : line
    return 'replaced'
  })
}

/** Changes a user's entry. Resolves with it as it is then, or null if there is no such user. Throws an Error that names the file. */
export function changeUser(
  path: string,
  identity: UserIdentity,
  change: (entry: UsersFileEntry) => UsersFileEntry,
): Promise<UsersFileEntry | null> {
  return edit(path, (lines) => {
    const index = indexOf(lines, identity)
    const entry = lines[index]?.entry ?? null
    if (entry === null) return null
    const changed = change(entry)
    if (changed !== entry) lines[index] = lineOf(changed)
    return changed
  })
}

/** Removes a user's line. False if there is no such user. */
export function removeUser(path: string, identity: UserIdentity): Promise<boolean> {
  return edit(path, (lines) => {
    const index = indexOf(lines, identity)
    if (index >= 0) lines.splice(index, 1)
    return index >= 0
  })
}

export interface ImportResult {
  readonly added: readonly UsersFileEntry[]
  readonly replaced: readonly UsersFileEntry[]
  /** Who was there already, and is as before. */
  readonly kept: readonly UsersFileEntry[]
}

/**
 * Adds these users' lines, all or none, and replaces those who are there if `replace` is set: who was disabled stays so. Each user comes once.
 * Creates the file. Throws an Error that names it.
 */
export function importUsers(path: string, users: readonly UserLine[], replace: boolean): Promise<ImportResult> {
  return edit(path, (lines) => {
    const [added, replaced, kept]: UsersFileEntry[][] = [[], [], []]
    const places = new Map(lines.map(({ entry }, index) => [entry === null ? '' : keyOf(entry), index]))
    for (const line of users) {
      const place = places.get(keyOf(line.entry))
      if (place === undefined) {
        lines.push(line)
        added.push(line.entry)
      } else if (replace) {
        lines[place] = lines[place].entry?.disabled ? lineOf({ ...line.entry, disabled: true }) : line
        replaced.push(line.entry)
      } else {
        kept.push(line.entry)
      }
    }
    return { added, replaced, kept }
  })
}

/** The users of a file, in its order. A file that does not exist has none. Throws an Error that names the file. */
export function listUsers(path: string): UsersFileEntry[] {
  return readLines(path).flatMap((line) => line.entry ?? [])
}

async function edit<Result>(path: string, change: (lines: UsersFileLine[]) => Result): Promise<Result> {
  const realPath = resolveLink(path)
  try {
    return await withLockFile(realPath, () => {
      const before = readLines(realPath)
      const lines = [...before]
      const result = change(lines)
      if (!hasSameLines(lines, before)) replacePrivateFile(realPath, serialiseUsersFile(lines))
      return result
    })
  } catch (error) {
    // Only system errors lack the file's name in a form for people.
    throw errorCode(error) === '' ? error : new Error(`--users-file ${path}: ${errorText(error)}`)
  }
}

/** The file that a symbolic link stands for: it is replaced, not the link, and all editors lock the same name. */
function resolveLink(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function readLines(path: string): UsersFileLine[] {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw new Error(`--users-file ${path}: ${errorText(error)}`)
  }
  try {
    return parseUsersFile(bytes)
  } catch (error) {
    throw new Error(`--users-file ${path}, ${error instanceof Error ? error.message : error}`)
  }
}

function keyOf({ realm, role, user }: UserIdentity): string {
  return JSON.stringify([role, user, realm])
}

function indexOf(lines: readonly UsersFileLine[], identity: UserIdentity): number {
  return lines.findIndex(({ entry }) => entry !== null && isSameUser(entry, identity))
}

function hasSameLines(left: readonly UsersFileLine[], right: readonly UsersFileLine[]): boolean {
  return left.length === right.length && left.every((line, index) => line === right[index])
}
