// Where `turnd user add` and `turnd probe` get a password from: a terminal without echo, or the first line of standard input.
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

export interface PasswordInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
}

/** A line of this many bytes is no password, but a wrong file. */
const LINE_LENGTH_MAX = 4096

type Ask = (question: string) => Promise<string>

/** For a new password: asks twice. Throws a RangeError if the answers differ, or there is none (Ctrl-C, Ctrl-D). */
export function promptPassword(input: PasswordInput, output: NodeJS.WritableStream, name: string): Promise<string> {
  return withoutEcho(input, output, async (ask) => {
    const password = await ask(`password of ${name}: `)
    if ((await ask('the same again: ')) !== password) throw new RangeError('the two passwords are not the same')
    return password
  })
}

/** For one that exists: asks once. Throws a RangeError if there is none (Ctrl-C, Ctrl-D). */
export function askPassword(input: PasswordInput, output: NodeJS.WritableStream, name: string): Promise<string> {
  return withoutEcho(input, output, (ask) => ask(`password of ${name}: `))
}

async function withoutEcho(
  input: PasswordInput,
  output: NodeJS.WritableStream,
  converse: (ask: Ask) => Promise<string>,
): Promise<string> {
  // The line editor draws every key on its output, so it gets one that shows nothing.
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  const editor = createInterface({ input, output: hidden, terminal: true, historySize: 0 })
  // Lines are kept as they come: what is typed ahead, or pasted, may be there before the second question.
  const lines: string[] = []
  let isClosed = false
  let wake = () => {}
  editor.on('line', (line) => {
    lines.push(line)
    wake()
  })
  editor.once('close', () => {
    isClosed = true
    wake()
  })
  const ask: Ask = async (question) => {
    output.write(question)
    while (lines.length === 0 && !isClosed) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    output.write('\n')
    const line = lines.shift()
    if (line === undefined) throw new RangeError('no password was given')
    return line
  }
  try {
    return await converse(ask)
  } finally {
    editor.close()
  }
}

/** The first line, without its end. Throws a RangeError if it is too long or not UTF-8. */
export async function readPasswordLine(input: PasswordInput): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    const lineFeed = bytes.indexOf(0x0a)
    chunks.push(lineFeed < 0 ? bytes : bytes.subarray(0, lineFeed))
    length += chunks[chunks.length - 1].length
    if (length > LINE_LENGTH_MAX) throw new RangeError(`the password is longer than ${LINE_LENGTH_MAX} bytes`)
    if (lineFeed >= 0) break
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)).replace(/\r$/, '')
  } catch {
    throw new RangeError('the password is not UTF-8 text')
  }
}
