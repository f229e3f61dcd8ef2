// CPU time and memory of another process, and the sockets that it listens on, from /proc (proc(5)): Linux only.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
const UTIME_FIELD = 11
const STIME_FIELD = 12

/** What a process has used so far, all threads together. */
export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
}

export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    userSeconds: Number(fields[UTIME_FIELD]) / TICKS_PER_SECOND,
    systemSeconds: Number(fields[STIME_FIELD]) / TICKS_PER_SECOND,
  }
}

/** The memory of a process that lies in RAM, in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  if (match === null) throw new Error(`process ${pid} has no VmRSS`)
  return Number(match[1]) * 1024
}

/** The local addresses of the process's IP sockets which are not loopback's, in the kernel's hexadecimal form. */
export function addressesBeyondLoopback(pid: number): string[] {
  const inodes = new Set<string>()
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))
    if (inode !== null) inodes.add(inode[1])
  }
  const found: string[] = []
  for (const table of ['udp', 'udp6', 'tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (inodes.has(fields[9]) && !isLoopback(fields[1])) found.push(`${table} ${fields[1]}`)
    }
  }
  return found
}

/** 127.0.0.0/8 and ::1, as /proc/net prints them: 32-bit words in the machine's (little-endian) order. */
function isLoopback(address: string): boolean {
  return /^[0-9A-F]{6}7F:/.test(address) || address.startsWith('00000000000000000000000001000000:')
}

/** Seconds that a core has been busy with anything since boot. */
export function coreBusySeconds(core: number): number {
  const line = readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .find((text) => text.startsWith(`cpu${core} `))
  if (line === undefined) throw new Error(`there is no core ${core}`)
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}
