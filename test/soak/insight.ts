// A server process seen from inside, thread by thread (insight-preload.ts tells), and from outside, as the kernel has it.
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onProcessEnd } from '../support/process-end.js'
import { residentBytes } from '../support/process-memory.js'
import type { ServerProcessOptions } from '../support/server-process.js'
import type { ThreadInsight } from './insight-questions.js'

const PRELOAD = fileURLToPath(new URL('insight-preload.js', import.meta.url))
/** A place and its colon before the port, in the kernel's hexadecimal form: `0100007F:5DC0`. */
const LOCAL_ADDRESS_FIELD = 1
const INODE_FIELD = 9

export interface OutsideView {
  readonly files: number
  /** Sockets of any kind that are bound to a port of the relay range. */
  readonly relaySockets: number
  readonly residentBytes: number
}

export class Insight {
  readonly #directory = mkdtempSync(join(tmpdir(), 'turnd-insight-'))
  readonly #path = join(this.#directory, 'socket')

  constructor() {
    onProcessEnd(() => rmSync(this.#directory, { recursive: true, force: true }))
  }

  /** How a server must be started to be seen from inside. */
  get serverOptions(): Pick<ServerProcessOptions, 'nodeArguments' | 'prefix'> {
    return { nodeArguments: ['--expose-gc', '--import', PRELOAD], prefix: ['env', `TURND_TEST_INSIGHT=${this.#path}`] }
  }

  /** By the thread's name. @param question 'collect': after a collection of garbage; 'look': as it is now */
  async threads(question: 'collect' | 'look'): Promise<Readonly<Record<string, ThreadInsight>>> {
    return (await this.#ask(question)) as Record<string, ThreadInsight>
  }

  /** Lets the time of the cores go on by so much at once. */
  async travel(milliseconds: number): Promise<void> {
    await this.#ask(`travel ${milliseconds}`)
  }

  async #ask(question: string): Promise<object> {
    const connection = connect(this.#path)
    await once(connection, 'connect')
    connection.write(question)
    const answer = JSON.parse(await text(connection))
    if (answer.error !== undefined) throw new Error(`the server does not tell: ${answer.error}`)
    return answer
  }
}

export function outsideView(pid: number, minPort: number, maxPort: number): OutsideView {
  const names = readdirSync(`/proc/${pid}/fd`)
  const inodes = new Set(names.map((name) => inodeOf(`/proc/${pid}/fd/${name}`)))
  let relaySockets = 0
  for (const table of ['udp', 'udp6', 'tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const port = Number.parseInt(fields[LOCAL_ADDRESS_FIELD].split(':')[1], 16)
      if (port >= minPort && port <= maxPort && inodes.has(fields[INODE_FIELD])) relaySockets++
    }
  }
  return { files: names.length, relaySockets, residentBytes: residentBytes(pid) }
}

/** Of a socket; '' for another file, or one that has just been closed. */
function inodeOf(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? ''
  } catch {
    return ''
  }
}
