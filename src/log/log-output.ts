// Standard output for the log. A log is not worth a call: whatever becomes of the disk or the program behind it, lines wait or are dropped, and the
// server goes on and ends when it is told to. Used by logger.ts.
//
// Not pino's own destination: an error other than EAGAIN or EPIPE ends the process there, and the flush at its end tries for ever,
// so that a server whose log is on a full disk neither obeyed signals nor ended.
import { write, writeSync } from 'node:fs'

/** Bytes that one call writes, lines that are longer apart. */
const WRITE_BYTES_MAX = 64 * 1024
const RETRY_MILLISECONDS = 100
/** At the end of the process, for a reader that is slow. */
const LAST_RETRY_COUNT_MAX = 10

export class LogOutput {
  /** Lines that found no room, since the last one that did. */
  droppedCount = 0
  readonly #fd: number
  readonly #bytesMax: number
  /** Whole lines, and their length in bytes. */
  #lines: Buffer[] = []
  #waitingBytes = 0
  /** What is being written, from #written on. Empty: nothing. */
  #present: Buffer = Buffer.alloc(0)
  #written = 0
  /** A thread writes, or a retry waits. */
  #isWriting = false
  #retryTimer: NodeJS.Timeout | null = null
  #isClosed = false

  /** @param bytesMax what may wait; lines beyond it are dropped */
  constructor(fd: number, bytesMax: number) {
    this.#fd = fd
    this.#bytesMax = bytesMax
  }

  /** One line with its end. */
  write(line: string): void {
    if (this.#isClosed) return
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > this.#bytesMax) this.droppedCount++
    else {
      this.#lines.push(bytes)
      this.#waitingBytes += bytes.length
    }
    // After an error this is the next try: a full disk may have room again.
    if (!this.#isWriting) this.#writeNext()
  }

  /** At the end of the process: what waits leaves now, unless it cannot. What a thread is writing it goes on writing. */
  flushLast(): void {
    // Between two tries nobody is writing it.
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    else if (this.#isWriting) this.#present = Buffer.alloc(0)
    let retryCount = 0
    while (!this.#isClosed && this.#takeNext()) {
      try {
        this.#advance(writeSync(this.#fd, this.#present, this.#written))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || retryCount++ >= LAST_RETRY_COUNT_MAX) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MILLISECONDS)
      }
    }
  }

  #writeNext(): void {
    this.#isWriting = this.#takeNext()
    if (!this.#isWriting) return
    write(this.#fd, this.#present, this.#written, (error, count) => {
      if (error === null) {
        this.#advance(count)
        this.#writeNext()
      } else this.#handleError(error)
    })
  }

  #handleError({ code }: NodeJS.ErrnoException): void {
    if (code === 'EAGAIN') {
      this.#retryTimer = setTimeout(() => {
        this.#retryTimer = null
        this.#writeNext()
      }, RETRY_MILLISECONDS)
      // A log keeps no process alive.
      this.#retryTimer.unref()
      return
    }
    this.#isWriting = false
    // Nobody reads any more, and nobody will.
    if (code !== 'EPIPE' && code !== 'EBADF') return
    this.#isClosed = true
    this.#lines = []
  }

  /** False if nothing waits. */
  #takeNext(): boolean {
    if (this.#written < this.#present.length) return true
    if (this.#lines.length === 0) return false
    let count = 1
    let length = this.#lines[0].length
    while (count < this.#lines.length && length + this.#lines[count].length <= WRITE_BYTES_MAX) {
      length += this.#lines[count++].length
    }
    this.#present = Buffer.concat(this.#lines.splice(0, count))
    this.#written = 0
    return true
  }

  #advance(count: number): void {
    this.#written += count
    this.#waitingBytes -= count
    if (this.#written < this.#present.length || this.droppedCount === 0) return
    const line = droppedLine(this.droppedCount)
    this.droppedCount = 0
    this.#lines.push(line)
    this.#waitingBytes += line.length
  }
}

/** In the shape of the log's own lines. */
function droppedLine(count: number): Buffer {
  const msg = `${count} log lines are missing here: nobody took them`
  return Buffer.from(
    `${JSON.stringify({ level: 40, time: new Date().toISOString(), event: 'log-lines-dropped', count, msg })}\n`,
  )
}
