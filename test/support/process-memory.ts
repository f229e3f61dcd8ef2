// What a process holds, from /proc (proc(5)): memory and open files. Linux only.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`)
  return Number(kilobytes) * 1024
}

export function openFileCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Looks in a row that find the same. */
const CALM_LOOK_COUNT = 8
const LOOK_MILLISECONDS = 50
const CALM_MILLISECONDS_MAX = 60_000

/** The same of a process that has nothing to do: what its start holds open for a moment longer is closed. */
export async function openFileCountAtRest(pid: number): Promise<number> {
  const end = performance.now() + CALM_MILLISECONDS_MAX
  let count = openFileCount(pid)
  for (let calm = 0; calm < CALM_LOOK_COUNT; calm++) {
    if (performance.now() > end) throw new Error(`process ${pid} opens and closes files all the time`)
    await delay(LOOK_MILLISECONDS)
    const before = count
    count = openFileCount(pid)
    if (count !== before) calm = -1
  }
  return count
}
