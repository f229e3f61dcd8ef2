// What a killed process left of its network namespaces. Their names tell the process that made them, so those of one that is no more are nobody's.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NAME_FORM, NAMES_DIRECTORY, removeNamespace } from './namespace.js'

/** Where `ip netns exec` finds files of /etc that a namespace has for itself: a folder each. */
export const FILES_DIRECTORY = '/etc/netns'

/** Removes such namespaces, what still runs in them, and their files; the names of those that this process has removed. */
export function removeLeftovers(): string[] {
  const names = namesIn(NAMES_DIRECTORY).filter(isLeft).filter(removeUnlessGone)
  for (const name of namesIn(FILES_DIRECTORY).filter(isLeft)) removeFiles(name)
  return names
}

/** @returns false when another run, which began at the same time, has just removed it */
function removeUnlessGone(name: string): boolean {
  try {
    removeNamespace(name)
    return true
  } catch (error) {
    if (existsSync(join(NAMES_DIRECTORY, name))) throw error
    return false
  }
}

export function removeFiles(name: string): void {
  rmSync(join(FILES_DIRECTORY, name), { recursive: true, force: true })
  try {
    rmdirSync(FILES_DIRECTORY)
  } catch {
    // Others have files there.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isLeft(name: string): boolean {
  const pid = NAME_FORM.exec(name)?.[1]
  if (pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
