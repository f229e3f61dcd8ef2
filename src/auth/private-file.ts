// Files that hold keys: mode 0600, and whole at any moment, also when the disk is full or the power fails.
// The users file and the state directory are written through here.
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchownSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

export const PRIVATE_FILE_MODE = 0o600
const PRIVATE_DIRECTORY_MODE = 0o700

/** Replaces the file, or creates it. Readers see the old content or the new one, nothing between. */
export function replacePrivateFile(path: string, text: string): void {
  replacePrivateFiles([[path, text]])
}

/** The same for files of one directory that belong together: where one finds no room, all are as they were. */
export function replacePrivateFiles(files: readonly (readonly [path: string, text: string])[]): void {
  const temporaries: string[] = []
  try {
    for (const [path, text] of files) temporaries.push(writeTemporary(path, text))
    // This takes no room.
    for (const [path] of files) {
      renameSync(temporaries[0], path)
      temporaries.shift()
    }
  } catch (error) {
    for (const temporary of temporaries) unlinkSync(temporary)
    throw error
  }
  syncDirectory(dirname(files[0][0]))
}

/** Creates the file if nobody else has. False if it exists. */
export function createPrivateFile(path: string, text: string): boolean {
  const temporary = writeTemporary(path, text)
  try {
    // A link, unlike a rename, fails when another server created the file first.
    linkSync(temporary, path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(temporary)
  }
  syncDirectory(dirname(path))
  return true
}

/**
 * Creates the directory, and those above it, unless they exist. Not with mkdir's own `recursive`: node never returns from that where a
 * parent exists but takes no directories and says ENOENT, as /proc does.
 */
export function createPrivateDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const parent = dirname(path)
  if (parent !== path) createPrivateDirectory(parent)
  try {
    mkdirSync(path, PRIVATE_DIRECTORY_MODE)
  } catch (error) {
    // Another server may have been faster.
    if (errorCode(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/** The `code` of a system error, such as ENOENT, else ''. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Says what a system error means, without the path and the call that its own message repeats. */
export function errorText(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'no such file or directory'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'EROFS':
      return 'the file system is read-only'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'no space left on the disk'
    case 'EISDIR':
      return 'it is a directory'
    case 'ENOTDIR':
      return 'a part of the path is not a directory'
  }
  return error instanceof Error ? error.message : String(error)
}

function writeTemporary(path: string, text: string): string {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const fd = openSync(temporary, 'wx', PRIVATE_FILE_MODE)
  try {
    try {
      // On a descriptor this goes on until every byte is written, or throws: a short write must never be renamed into place.
      writeFileSync(fd, text)
      keepOwner(fd, path, directory)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    unlinkSync(temporary)
    throw error
  }
  return temporary
}

/** An administrator's `sudo turnd user add` must not take the file away from the server's own account. */
function keepOwner(fd: number, path: string, directory: string): void {
  if (process.getuid?.() !== 0) return
  const owner = statSync(path, { throwIfNoEntry: false }) ?? statSync(directory)
  fchownSync(fd, owner.uid, owner.gid)
}

/** Makes a rename survive a power failure. Where a directory cannot be opened, that is as good as it gets. */
function syncDirectory(directory: string): void {
  try {
    const fd = openSync(directory, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // The content itself is complete either way.
  }
}
