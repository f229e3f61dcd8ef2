// What the server's process holds and loses while it is attacked, from /proc (proc(5)).
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { residentBytes } from '../support/process-memory.js'

const SAMPLE_MILLISECONDS = 20
const STEP_MILLISECONDS = 100
/** Where memory that comes back this near has come back. */
const NEAR_BYTES = 1024 * 1024
const STATE_FIELD = 3
const INODE_FIELD = 9
const DROPS_FIELD = 12
const UDP_CONNECTED = '01'

export interface MemoryWatch {
  /** The most there was. */
  end(): number
}

export function watchMemory(pid: number): MemoryWatch {
  let peak = residentBytes(pid)
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid))
  }, SAMPLE_MILLISECONDS)
  return {
    end: () => {
      clearInterval(timer)
      return peak
    },
  }
}

/** Resident bytes when they are near `before` again, or no longer fall, or the time is over. */
export async function settledBytes(pid: number, before: number | null, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let least = residentBytes(pid)
  if (before !== null && least <= before + NEAR_BYTES) return least
  while (performance.now() < end) {
    await delay(STEP_MILLISECONDS)
    const now = residentBytes(pid)
    least = Math.min(least, now)
    if (before !== null ? least <= before + NEAR_BYTES : Math.abs(now - least) < NEAR_BYTES) return least
  }
  return least
}

/** Datagrams that found the buffers of the server's unconnected UDP sockets full: listeners and relays. */
export function listenerOverflows(pid: number): number {
  const inodes = new Set<string>()
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const inode = socketInode(`/proc/${pid}/fd/${name}`)
    if (inode !== null) inodes.add(inode)
  }
  let sum = 0
  for (const line of readFileSync(`/proc/${pid}/net/udp`, 'latin1').trim().split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    if (inodes.has(fields[INODE_FIELD]) && fields[STATE_FIELD] !== UDP_CONNECTED) sum += Number(fields[DROPS_FIELD])
  }
  return sum
}

/** Null for what is no socket, or has been closed meanwhile. */
function socketInode(path: string): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? null
  } catch {
    return null
  }
}
