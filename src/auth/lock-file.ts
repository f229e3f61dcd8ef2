// A lock file beside a file that several processes may edit. It holds who made it, so that one left behind by a process that died
// on this host is taken away, and any other can be explained.

import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { LOCK_FILE_WAIT_MILLISECONDS_MAX } from '../limits/files.js'
import { errorCode, PRIVATE_FILE_MODE } from './private-file.js'

const RETRY_INTERVAL_MS = 20

/** The contents of the locks that this process holds. */
const held = new Set<string>()

/** Runs `action` while holding `PATH.lock`. Throws an Error that names the lock file if it stays taken for `waitMs`. */
export async function withLockFile<Result>(
  path: string,
  action: () => Result,
  waitMs = LOCK_FILE_WAIT_MILLISECONDS_MAX,
): Promise<Result> {
  const lockPath = `${path}.lock`
  const deadline = performance.now() + waitMs
  while (!tryCreate(lockPath)) {
    if (!breakIfLeftBehind(lockPath) && performance.now() > deadline) throw new Error(describeHolder(lockPath))
    // Not in step with others who wait.
    await delay(RETRY_INTERVAL_MS * (0.5 + Math.random()))
  }
  try {
    return action()
  } finally {
    unlock(lockPath)
  }
}

function unlock(lockPath: string): void {
  const content = readLock(lockPath)
  unlinkSync(lockPath)
  if (content !== null) held.delete(content)
}

function tryCreate(lockPath: string): boolean {
  let fd: number
  try {
    fd = openSync(lockPath, 'wx', PRIVATE_FILE_MODE)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
  // The random word tells this lock from a later one of the same process.
  const content = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  held.add(content)
  try {
    writeFileSync(fd, content)
  } catch (error) {
    // The disk is full: a lock that does not say whose it is would never be broken.
    unlinkSync(lockPath)
    held.delete(content)
    throw error
  } finally {
    closeSync(fd)
  }
  return true
}

/** Removes the lock of a process that is gone. True if it is worth trying again at once. */
function breakIfLeftBehind(lockPath: string): boolean {
  const content = readLock(lockPath)
  if (content === null) return true
  if (!isLeftBehind(content)) return false
  // One breaker at a time, who looks again: else a second one could remove the lock that a third has just created.
  const breakerPath = `${lockPath}.break`
  if (!tryCreate(breakerPath)) return false
  try {
    if (readLock(lockPath) === content) unlinkSync(lockPath)
  } finally {
    unlock(breakerPath)
  }
  return true
}

function isLeftBehind(content: string): boolean {
  const [pid, host] = content.trim().split(' ')
  // Empty for a moment while it is being written; process numbers of other hosts say nothing here.
  if (host !== hostname() || !/^\d+$/.test(pid)) return false
  // In a container whoever starts again is process 1 again.
  if (Number(pid) === process.pid) return !held.has(content)
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return errorCode(error) === 'ESRCH'
  }
}

function readLock(lockPath: string): string | null {
  try {
    return readFileSync(lockPath, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

function describeHolder(lockPath: string): string {
  const [pid, host] = (readLock(lockPath) ?? '').trim().split(' ')
  const holder = host === undefined ? 'another process' : `process ${pid} on ${host}`
  return `${lockPath} is held by ${holder}; remove it if no such process edits the file`
}
