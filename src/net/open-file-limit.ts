// How many files this process may open: each socket is one. Node raises the limit to what the system allows when it starts, and tells nobody.
import { readdirSync, readFileSync } from 'node:fs'

const LIMITS_FILE = '/proc/self/limits'

/** The limit that holds for this process (RLIMIT_NOFILE); infinity where there is none, or where the system does not say. */
export function openFileLimit(readText: (path: string) => string = (path) => readFileSync(path, 'utf8')): number {
  try {
    const count = /^Max open files +(\d+)/m.exec(readText(LIMITS_FILE))?.[1]
    return count === undefined ? Number.POSITIVE_INFINITY : Number(count)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** How many are open now; NaN where the system does not say. */
export function openFileCount(listNames: (path: string) => readonly string[] = (path) => readdirSync(path)): number {
  try {
    // One of them is the directory that is being read.
    return listNames('/proc/self/fd').length - 1
  } catch {
    return Number.NaN
  }
}
