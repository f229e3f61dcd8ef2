// What the system tells of itself: files of /proc and /sys, modes of files, answers of its own commands. The only place of the doctor that
// touches any of it, so that judgements can be tested without a machine that has the fault.
import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DOCTOR_COMMAND_MILLISECONDS_MAX, DOCTOR_COMMAND_OUTPUT_BYTES_MAX } from '../limits/doctor.js'

export interface Machine {
  /** null: it is not there, or may not be read. */
  readText(path: string): string | null
  /** The permission bits; null: it is not there. */
  modeOf(path: string): number | null
  /** May this process write into the directory, or make it if it is not there? */
  isWritable(directory: string): boolean
  /** Standard output; null: there is no such command, it failed or hangs. */
  output(command: string, args: readonly string[]): Promise<string | null>
  /** Who has these sockets open, by their inodes; null: nobody that this process may look at. */
  holderOf(inodes: readonly string[]): { readonly pid: number; readonly name: string } | null
}

export const REAL_MACHINE: Machine = {
  readText: (path) => quietly(() => readFileSync(path, 'utf8')),
  modeOf: (path) => quietly(() => statSync(path).mode & 0o7777),
  isWritable(directory) {
    for (let path = resolve(directory); ; path = dirname(path)) {
      const stats = quietly(() => statSync(path))
      if (stats !== null) return stats.isDirectory() && mayWrite(path)
      if (path === dirname(path)) return false
    }
  },
  output: (command, args) =>
    new Promise((resolve) => {
      // Administrators' commands are not in every user's PATH.
      const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
      const options = { timeout: DOCTOR_COMMAND_MILLISECONDS_MAX, maxBuffer: DOCTOR_COMMAND_OUTPUT_BYTES_MAX, env }
      execFile(command, args, options, (error, stdout) => resolve(error === null ? stdout : null))
    }),
  holderOf(inodes) {
    const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`))
    for (const pid of quietly(() => readdirSync('/proc')) ?? []) {
      if (!/^\d+$/.test(pid) || !hasOpen(pid, wanted)) continue
      return { pid: Number(pid), name: (quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) ?? '').trim() }
    }
    return null
  },
}

/** A number of /proc/sys, by its name with dots; NaN where the system has none. */
export function sysctlNumber(machine: Machine, name: string): number {
  const text = machine.readText(`/proc/sys/${name.replaceAll('.', '/')}`)
  return text === null || text.trim() === '' ? Number.NaN : Number(text)
}

function hasOpen(pid: string, wanted: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`
  const names = quietly(() => readdirSync(directory)) ?? []
  return names.some((name) => wanted.has(quietly(() => readlinkSync(join(directory, name))) ?? ''))
}

function mayWrite(path: string): boolean {
  return quietly(() => accessSync(path, constants.W_OK | constants.X_OK) === undefined) ?? false
}

function quietly<Value>(action: () => Value): Value | null {
  try {
    return action()
  } catch {
    return null
  }
}
