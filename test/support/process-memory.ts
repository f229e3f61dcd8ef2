// What a process holds, from /proc (proc(5)): memory and open files. Linux only.
import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`)
  return Number(kilobytes) * 1024
}

export function openFileCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
