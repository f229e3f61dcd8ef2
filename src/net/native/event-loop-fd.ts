// Finds the file descriptor on which Node's event loop of this thread waits: libuv's epoll instance. An engine that adds it to its own set
// waits for its sockets and for Node's at the same time. Node does not tell it; /proc/self/fdinfo does (proc(5): the lines `tfd` of an
// epoll instance name what it watches).
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const FDS = '/proc/self/fd'
const EPOLL_INSTANCE = 'anon_inode:[eventpoll]'

/** @param watchedFd a socket that the loop has been watching for a turn at least. Returns -1 if there is no such loop, or no /proc. */
export function findEventLoopFd(watchedFd: number): number {
  const watches = new RegExp(`^tfd:\\s+${watchedFd}\\s`, 'm')
  try {
    for (const name of readdirSync(FDS)) if (isEpollInstance(name) && watches.test(readInfo(name))) return Number(name)
  } catch {
    // No /proc here.
  }
  return -1
}

/** The process may have thousands of sockets, whose info costs more to read. False for one that is closed meanwhile. */
function isEpollInstance(name: string): boolean {
  try {
    return readlinkSync(`${FDS}/${name}`) === EPOLL_INSTANCE
  } catch {
    return false
  }
}

function readInfo(name: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${name}`, 'latin1')
  } catch {
    return ''
  }
}
