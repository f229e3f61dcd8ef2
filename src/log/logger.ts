// The log: JSON lines on standard output for machines, readable lines on a terminal. Every line has an `event`.
import { Writable } from 'node:stream'
import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** Bytes that wait for a slow reader of standard output; past that lines are dropped, media is not. */
const LOG_BUFFER_BYTES_MAX = 4 * 1024 * 1024

/** The command's log, on standard output. */
export function createLogger(level: string, isTerminal: boolean): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (isTerminal) {
    const stream = pretty({
      colorize: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'event,listening,uris',
      singleLine: true,
      destination: terminalStream(),
    })
    return pino(options, stream)
  }
  const destination = pino.destination({ dest: 1, sync: false, maxLength: LOG_BUFFER_BYTES_MAX })
  return pino(options, { write: (line) => void destination.write(escapeControls(line)) })
}

/**
 * JSON escapes control characters up to U+001F. Terminals obey the ones from U+007F to U+009F too, and characters that hide text or
 * turn its direction forge what a person reads: they become escapes, which mean the same in JSON.
 */
function escapeControls(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function terminalStream(): Writable {
  // A terminal that was closed takes no more lines; calls go on without them.
  process.stdout.on('error', () => {})
  return new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => void process.stdout.write(escapeControls(String(text)), () => done()),
  })
}

/** For servers that are embedded without a log. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}

/** Text from the network in a sentence for people: quoted, with control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
