// Finds the file descriptor on which Node's event loop of this thread waits: libuv's epoll instance. An engine that adds it to its own set
// waits for its sockets and for Node's at the same time. Node does not tell it; /proc/self/fdinfo does (proc(5): the lines `tfd` of an
// epoll instance name what it watches).
import { readdirSync, readFileSync } from 'node:fs'

const FDINFO = '/proc/self/fdinfo'

/** @param watchedFd a socket that the loop has been watching for a turn at least. Returns -1 if there is no such loop, or no /proc. */
export function findEventLoopFd(watchedFd: number): number {
  const watches = new RegExp(`^tfd:\\s+${watchedFd}\\s`, 'm')
  try {
    for (const name of readdirSync(FDINFO)) if (watches.test(readInfo(name))) return Number(name)
  } catch {
    // No /proc here.
  }
  return -1
}

function readInfo(name: string): string {
  try {
    return readFileSync(`${FDINFO}/${name}`, 'latin1')
  } catch {
    // Closed meanwhile: by another thread, or the directory's own.
    return ''
  }
}
