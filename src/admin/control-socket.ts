// The server's side of the control socket: a unix socket in the state directory, through which commands of the same user ask a running
// server. One line of JSON in, one line of JSON out:
//
//   {"version":1,"command":"why","user":"alice"}        at most 4 KiB, within 5 s
//   {"version":1,"result":{…}}   or   {"version":1,"error":"a sentence"}
//
// It knows no command: they are handed in. Everything is an event of the thread that opens it, which is the main one.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { CONTROL_CONNECTION_COUNT_MAX, CONTROL_MILLISECONDS_MAX, CONTROL_REQUEST_BYTES_MAX } from '../limits/reports.js'
import { controlSocketName, reachablePath, removeLeftBehind, removeQuietly } from './control-directory.js'

export const CONTROL_VERSION = 1
const NAME_ATTEMPTS_MAX = 9
/** For nobody but the owner (and root). */
const UMASK = 0o177
const LINE_FEED = 0x0a

/** Answers one request, whose fields nobody has looked at. What it throws as an Error is told to the asker. */
export type ControlCommand = (request: Readonly<Record<string, unknown>>) => unknown

export class ControlSocket {
  readonly path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #release: () => void
  readonly #commands: Readonly<Record<string, ControlCommand>>
  readonly #requestMillisecondsMax: number
  #closing: Promise<void> | null = null

  private constructor(
    path: string,
    server: Server,
    release: () => void,
    commands: Readonly<Record<string, ControlCommand>>,
    requestMillisecondsMax: number,
  ) {
    this.path = path
    this.#server = server
    this.#release = release
    this.#commands = commands
    this.#requestMillisecondsMax = requestMillisecondsMax
    // An accept that fails concerns the asker alone.
    server.on('error', () => {})
    server.on('connection', (socket) => this.#serve(socket))
    server.unref()
  }

  /** Opens one in this directory, which exists, and removes what killed servers have left there. Throws the system's error. */
  static async open(
    directory: string,
    commands: Readonly<Record<string, ControlCommand>>,
    requestMillisecondsMax = CONTROL_MILLISECONDS_MAX,
  ): Promise<ControlSocket> {
    await removeLeftBehind(directory)
    for (let attempt = 0; ; attempt++) {
      const name = controlSocketName(process.pid, attempt)
      const { path, release } = reachablePath(directory, name)
      try {
        const server = await listen(path)
        return new ControlSocket(join(directory, name), server, release, commands, requestMillisecondsMax)
      } catch (error) {
        release()
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === NAME_ATTEMPTS_MAX) throw error
      }
    }
  }

  /** Removes the socket, and ends who is being served. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    removeQuietly(this.path)
    this.#release()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    const deadline = setTimeout(() => socket.destroy(), this.#requestMillisecondsMax)
    socket.once('close', () => clearTimeout(deadline))
    let received: Buffer = Buffer.alloc(0)
    const take = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf(LINE_FEED)
      if (end < 0 && received.length <= CONTROL_REQUEST_BYTES_MAX) return
      socket.off('data', take)
      socket.resume()
      clearTimeout(deadline)
      const isTooLong = end < 0 || end > CONTROL_REQUEST_BYTES_MAX
      answer(socket, isTooLong ? tooLong() : this.#answerOf(received.toString('utf8', 0, end)))
    }
    socket.on('data', take)
  }

  #answerOf(line: string): object {
    try {
      const request: unknown = JSON.parse(line)
      if (typeof request !== 'object' || request === null) return failure('a request is a JSON object')
      const { command, version, ...fields } = request as Record<string, unknown>
      if (version !== CONTROL_VERSION) return failure(`this server speaks version ${CONTROL_VERSION}`)
      if (typeof command !== 'string' || !Object.hasOwn(this.#commands, command)) {
        return failure(`this server knows no such command, only ${Object.keys(this.#commands).join(', ')}`)
      }
      return { version: CONTROL_VERSION, result: this.#commands[command](fields) }
    } catch (error) {
      return failure(error instanceof SyntaxError ? 'a request is a line of JSON' : (error as Error).message)
    }
  }
}

async function listen(path: string): Promise<Server> {
  // As many as are served at once; others are closed, and may try again.
  const server = createServer()
  server.maxConnections = CONTROL_CONNECTION_COUNT_MAX
  const listening = once(server, 'listening')
  // The socket is made within listen(): at no moment may somebody else connect.
  const umask = process.umask(UMASK)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await listening
  return server
}

function answer(socket: Socket, content: object): void {
  const deadline = setTimeout(() => socket.destroy(), CONTROL_MILLISECONDS_MAX)
  socket.once('close', () => clearTimeout(deadline))
  socket.end(`${JSON.stringify(content)}\n`)
}

function tooLong(): object {
  return failure(`a request has at most ${CONTROL_REQUEST_BYTES_MAX} bytes`)
}

function failure(error: string): object {
  return { version: CONTROL_VERSION, error }
}
