// The asking side of the control socket (control-socket.ts): used by commands that talk to running servers.

import { once } from 'node:events'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { CONTROL_ANSWER_BYTES_MAX, CONTROL_MILLISECONDS_MAX } from '../limits/reports.js'
import { controlSocketsIn, reachablePath } from './control-directory.js'
import { CONTROL_VERSION } from './control-socket.js'

const BUSY = 'it is busy with other commands: try again'

export type ControlAnswer =
  | { readonly kind: 'result'; readonly path: string; readonly result: unknown }
  /** It lives, but gave no result: a sentence. */
  | { readonly kind: 'failed'; readonly path: string; readonly error: string }
  /** Left behind by a server that was killed. */
  | { readonly kind: 'dead'; readonly path: string }

/** Asks every server whose socket is in this directory. Throws the system's error if the directory cannot be read. */
export function askServers(
  directory: string,
  request: object,
  answerMillisecondsMax = CONTROL_MILLISECONDS_MAX,
): Promise<ControlAnswer[]> {
  return Promise.all(controlSocketsIn(directory).map((path) => ask(path, request, answerMillisecondsMax)))
}

async function ask(path: string, request: object, answerMillisecondsMax: number): Promise<ControlAnswer> {
  try {
    const line = JSON.stringify({ version: CONTROL_VERSION, ...request })
    const answer: unknown = JSON.parse(await exchange(path, line, answerMillisecondsMax))
    const { error, result } = answer as { error?: unknown; result?: unknown }
    return typeof error === 'string' ? { kind: 'failed', path, error } : { kind: 'result', path, result }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Between the look into the directory and now the server may have ended as it should.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return { kind: 'dead', path }
    if (code === 'EACCES' || code === 'EPERM') {
      return { kind: 'failed', path, error: 'permission denied: run this as the user of the server, or as root' }
    }
    if (code === 'EPIPE' || code === 'ECONNRESET') return { kind: 'failed', path, error: BUSY }
    return { kind: 'failed', path, error: error instanceof SyntaxError ? 'the answer is no JSON' : message }
  }
}

/** The line that answers this one. */
async function exchange(path: string, line: string, answerMillisecondsMax: number): Promise<string> {
  const { path: target, release } = reachablePath(dirname(path), basename(path))
  const socket = connect(target)
  const deadline = setTimeout(
    () => socket.destroy(new Error(`no answer within ${answerMillisecondsMax / 1000} s: it hangs, or was stopped`)),
    answerMillisecondsMax,
  )
  try {
    await once(socket, 'connect')
    socket.write(`${line}\n`)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > CONTROL_ANSWER_BYTES_MAX) throw new Error('the answer is too long')
    }
    if (length === 0) throw new Error(BUSY)
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    clearTimeout(deadline)
    socket.destroy()
    release()
  }
}
