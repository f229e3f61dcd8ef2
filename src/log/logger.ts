// The log: JSON lines on standard output for machines, readable lines on a terminal. Every line has an `event`.

import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import pino, { type Logger } from 'pino'
import type { PinoPretty } from 'pino-pretty'
import { LOG_BUFFER_BYTES_MAX } from '../limits/reports.js'
import { escapeHidden } from './escape.js'
import { LogOutput } from './log-output.js'

export type { Logger }

const STANDARD_OUTPUT = 1

/** The command's log, on standard output. */
export function createLogger(level: string, isTerminal: boolean): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (isTerminal) {
    // Loaded for people only: it would take a tenth of every service's start.
    const pretty: typeof PinoPretty = createRequire(import.meta.url)('pino-pretty')
    const stream = pretty({
      colorize: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'event,listening,uris',
      singleLine: true,
      destination: terminalStream(),
    })
    return pino(options, stream)
  }
  // The getter makes a pipe non-blocking: a write to a full one would wait for its reader, and the end of the process with it.
  void process.stdout
  const output = new LogOutput(STANDARD_OUTPUT, LOG_BUFFER_BYTES_MAX)
  process.on('exit', () => output.flushLast())
  return pino(options, { write: (line) => output.write(escapeHidden(line)) })
}

function terminalStream(): Writable {
  // A terminal that was closed takes no more lines; calls go on without them.
  process.stdout.on('error', () => {})
  return new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => void process.stdout.write(escapeHidden(String(text)), () => done()),
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
