// The TURN servers that a call bridge was told of through the CMS API, with their passwords: `turn-servers.json` in the state directory, mode 0600,
// whole at any moment. Several servers may share a directory: whoever changes the file locks it and reads it first. What is wrong with it is an error,
// and it stays as it is.
//
//   {"version": 1, "turnServers": [{"id": …, "serverAddress": …, "clientAddress": …, "username": …, "password": …, "type": …,
//     "tcpPortNumberOverride": 3478 or null}, …]}
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readTextFile } from '../config/read-text-file.js'
import { withLockFile } from './lock-file.js'
import { createPrivateDirectory, errorCode, errorText, replacePrivateFile } from './private-file.js'

export const TURN_SERVERS_FILE = 'turn-servers.json'
const VERSION = 1

/** A text that is not set is ''. */
export interface CallBridgeTurnServer {
  /** A UUID. */
  readonly id: string
  /** Where the call bridge reaches it. */
  readonly serverAddress: string
  /** Where clients reach it. */
  readonly clientAddress: string
  readonly username: string
  readonly password: string
  readonly type: string
  readonly tcpPortNumberOverride: number | null
}

type Change = (turnServers: readonly CallBridgeTurnServer[]) => readonly CallBridgeTurnServer[]

export class TurnServersFile {
  readonly path: string
  #turnServers: readonly CallBridgeTurnServer[] = []
  /** Of the file as it was read; '' before that. */
  #signature = ''

  constructor(stateDirectory: string) {
    this.path = join(stateDirectory, TURN_SERVERS_FILE)
  }

  /** As the file has them now, in the order of their creation; none without a file. Throws an Error that names the file, and quotes nothing of it. */
  list(): readonly CallBridgeTurnServer[] {
    try {
      const signature = signatureOf(this.path)
      if (signature !== this.#signature) {
        this.#turnServers = signature === 'none' ? [] : parse(readTextFile(this.path))
        this.#signature = signature
      }
    } catch (error) {
      this.#signature = ''
      throw errorCode(error) === '' ? new Error(`${this.path} ${(error as Error).message}`) : named(this.path, error)
    }
    return this.#turnServers
  }

  /** Rejects with an Error that names the file, which is as it was then, or with what `change` throws. */
  async edit(change: Change): Promise<void> {
    try {
      createPrivateDirectory(dirname(this.path))
      await withLockFile(this.path, () => {
        const before = this.list()
        const after = change(before)
        if (after !== before) replacePrivateFile(this.path, serialise(after))
      })
    } catch (error) {
      throw errorCode(error) === '' ? error : named(this.path, error)
    }
  }

  /** A sentence if others may read the passwords, or null. */
  permissionWarning(): string | null {
    const mode = statSync(this.path, { throwIfNoEntry: false })?.mode ?? 0
    return (mode & 0o077) === 0 ? null : `${this.path} can be read by others: run chmod 600 ${this.path}`
  }
}

function signatureOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? 'none' : `${stats.mtimeNs} ${stats.size} ${stats.ino}`
}

/** A line for each, so that people can read and compare it. */
function serialise(turnServers: readonly CallBridgeTurnServer[]): string {
  const lines = turnServers.map((one) => `    ${JSON.stringify(one)}`)
  return `{\n  "version": ${VERSION},\n  "turnServers": [${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}]\n}\n`
}

/** Throws an Error without the parser's message, which quotes passwords. */
function parse(text: string): CallBridgeTurnServer[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new Error('is not JSON: mend it, or put it aside, and the server goes on without restart')
  }
  const { turnServers, version } = recordOf(content)
  if (version !== VERSION || !Array.isArray(turnServers)) {
    throw new Error(`does not hold {"version": ${VERSION}, "turnServers": […]}: mend it, or put it aside`)
  }
  return turnServers.map((value, index) => {
    const turnServer = turnServerOf(recordOf(value))
    if (turnServer !== null) return turnServer
    throw new Error(`has a TURN server, number ${index + 1}, that lacks something: mend it, or put the file aside`)
  })
}

function turnServerOf(value: Readonly<Record<string, unknown>>): CallBridgeTurnServer | null {
  const { clientAddress, id, password, serverAddress, tcpPortNumberOverride = null, type, username } = value
  if (typeof id !== 'string' || typeof serverAddress !== 'string' || typeof clientAddress !== 'string') return null
  if (typeof username !== 'string' || typeof password !== 'string' || typeof type !== 'string') return null
  if (tcpPortNumberOverride !== null && typeof tcpPortNumberOverride !== 'number') return null
  return { id, serverAddress, clientAddress, username, password, type, tcpPortNumberOverride }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function named(path: string, error: unknown): Error {
  return new Error(`${path}: ${errorText(error)}`, { cause: error })
}
