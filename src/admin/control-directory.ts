// Where control sockets lie: `control-PID.sock` in the state directory, one for each server. Their names, the way round the kernel's limit
// of a socket's path, and the removal of those that a killed server has left behind.
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'

/** sockaddr_un: 108 bytes on Linux, 104 on BSD and macOS, with the zero at the end. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103
const SOCKET_NAME = /^control-\d+(?:-\d)?\.sock$/

/** A second process of that number is one in another container that shares the directory. */
export function controlSocketName(pid: number, attempt: number): string {
  return attempt === 0 ? `control-${pid}.sock` : `control-${pid}-${attempt}.sock`
}

/** The paths of sockets in the directory, dead ones included; none if it is not there. Throws the system's error otherwise. */
export function controlSocketsIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => SOCKET_NAME.test(name))
    return names.sort().map((name) => join(directory, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Directories of this machine that have the socket of a server, as far as Linux tells: for whoever has looked into the wrong one. */
export function directoriesWithServers(): string[] {
  return [...new Set(boundSockets().map((path) => dirname(path)))].filter((directory) => existsSync(directory))
}

/** The processes of servers with a control socket, as far as Linux tells, whether or not this account may ask them. */
export function serverProcesses(): number[] {
  return [...new Set(boundSockets().map((path) => Number(/control-(\d+)/.exec(basename(path))![1])))]
}

function boundSockets(): string[] {
  try {
    return readFileSync('/proc/net/unix', 'utf8').match(/\/\S.*\/control-\d+(?:-\d)?\.sock$/gm) ?? []
  } catch {
    return []
  }
}

export interface ReachablePath {
  /** What bind and connect take. */
  readonly path: string
  /** The path is not used any more. */
  release(): void
}

/** A path that fits into a socket's address. Throws an Error that says why there is none, or the system's. */
export function reachablePath(directory: string, name: string): ReachablePath {
  const path = resolve(directory, name)
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return { path, release: () => {} }
  if (process.platform !== 'linux') {
    throw new Error(`its path is longer than ${PATH_BYTES_MAX} bytes, which no socket can have`)
  }
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => closeSync(fd) }
}

/** Removes sockets that nobody listens on. What cannot be removed stays: whoever looks for servers does not mind. */
export async function removeLeftBehind(directory: string): Promise<void> {
  await Promise.all(
    controlSocketsIn(directory).map(async (path) => {
      if (await isLeftBehind(directory, path)) removeQuietly(path)
    }),
  )
}

export function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Somebody else was faster, or may and we may not.
  }
}

function isLeftBehind(directory: string, path: string): Promise<boolean> {
  const { path: target, release } = reachablePath(directory, basename(path))
  return new Promise<boolean>((tell) => {
    const socket = connect(target)
    socket.once('connect', () => {
      socket.destroy()
      tell(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => tell(error.code === 'ECONNREFUSED'))
  }).finally(release)
}
