// What the system tells of itself: files of /proc and /sys, modes of files, answers of its own commands. The only place of the doctor that
// touches any of it, so that judgements can be tested without a machine that has the fault.
import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DOCTOR_COMMAND_MILLISECONDS_MAX, DOCTOR_COMMAND_OUTPUT_BYTES_MAX } from '../limits/doctor.js'
import { PROC, type ProcReader } from '../net/port-holder.js'

export interface Machine extends ProcReader {
  /** The permission bits; null: it is not there. */
  modeOf(path: string): number | null
  /** May this process write into the directory, or make it if it is not there? */
  isWritable(directory: string): boolean
  /** Standard output; null: there is no such command, it failed or hangs. */
  output(command: string, args: readonly string[]): Promise<string | null>
}

export const REAL_MACHINE: Machine = {
  ...PROC,
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
}

/** A number of /proc/sys, by its name with dots; NaN where the system has none. */
export function sysctlNumber(machine: Machine, name: string): number {
  const text = machine.readText(`/proc/sys/${name.replaceAll('.', '/')}`)
  return text === null || text.trim() === '' ? Number.NaN : Number(text)
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
