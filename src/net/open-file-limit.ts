// How many files this process may open: each socket is one. Node raises the limit to what the system allows when it starts, and tells nobody.
import { readFileSync } from 'node:fs'

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
