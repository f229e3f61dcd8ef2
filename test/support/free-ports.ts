// Relay port ranges for tests. Files that run at the same time have different territories; within its own, a test takes a range that is
// free at that moment, in case another checkout of the project is being tested on the same machine.
import { createSocket } from 'node:dgram'

export interface Territory {
  readonly first: number
  readonly last: number
}

const ATTEMPT_COUNT_MAX = 50

/** `count` neighbouring ports, the first one even, none of them bound on 127.0.0.1 or in a range to avoid. */
export async function findFreePorts(
  { first, last }: Territory,
  count: number,
  avoided: readonly Territory[] = [],
): Promise<{ minPort: number; maxPort: number }> {
  const pairCount = Math.floor((last - first + 1 - count) / 2) + 1
  for (let attempt = 0; attempt < ATTEMPT_COUNT_MAX; attempt++) {
    const minPort = first + 2 * Math.floor(Math.random() * pairCount)
    const maxPort = minPort + count - 1
    const isAvoided = avoided.some((range) => minPort <= range.last && maxPort >= range.first)
    if (!isAvoided && (await areFree(minPort, maxPort))) return { minPort, maxPort }
  }
  throw new Error(`no ${count} neighbouring ports are free between ${first} and ${last}`)
}

async function areFree(minPort: number, maxPort: number): Promise<boolean> {
  for (let port = minPort; port <= maxPort; port++) if (!(await isFree(port))) return false
  return true
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const finish = (isBound: boolean) => socket.close(() => resolve(isBound))
    socket.once('listening', () => finish(true))
    socket.once('error', () => finish(false))
    socket.bind({ address: '127.0.0.1', port, exclusive: true })
  })
}
