// Edits the users file for `turnd user add|list|remove`: lock, read, change one line, replace the file. Other lines stay as they
// are, comments included, and two editors at once lose nothing. The running server sees the change by itself.
import { readFileSync, realpathSync } from 'node:fs'
import { withLockFile } from './lock-file.js'
import { errorCode, errorText, replacePrivateFile } from './private-file.js'
import { parseUsersFile, serialiseUsersFile, type UsersFileEntry, type UsersFileLine } from './users-file.js'

export type AddResult = 'added' | 'replaced' | 'exists'

/** Adds a user's line, or replaces it if `replace` is set. Creates the file. Throws an Error that names the file. */
export function addUser(path: string, line: UsersFileLine, replace = false): Promise<AddResult> {
  return edit(path, (lines): AddResult => {
    const index = lines.findIndex(({ entry }) => isSameUser(entry, line.entry))
    if (index >= 0 && !replace) return 'exists'
    if (index < 0) lines.push(line)
    else lines[index] = line
    return index < 0 ? 'added' : 'replaced'
  })
}

/** Removes a user's line. False if there is no such user in this realm. */
export function removeUser(path: string, user: string, realm: string): Promise<boolean> {
  return edit(path, (lines) => {
    const index = lines.findIndex(({ entry }) => entry?.user === user && entry.realm === realm)
    if (index >= 0) lines.splice(index, 1)
    return index >= 0
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

function isSameUser(left: UsersFileEntry | null, right: UsersFileEntry | null): boolean {
  return left !== null && right !== null && left.user === right.user && left.realm === right.realm
}

function hasSameLines(left: readonly UsersFileLine[], right: readonly UsersFileLine[]): boolean {
  return left.length === right.length && left.every((line, index) => line === right[index])
}
