import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { LogOutput } from '../../src/log/log-output.js'
import { until } from '../command/until.js'

const BYTES_MAX = 1024 * 1024

/** Open until all tests have ended: a thread may still be writing when its test ends, and would write into the file that gets the number next. */
function openFile(path: string, flags: string | number): number {
  const fd = openSync(path, flags)
  t.teardown(() => closeSync(fd))
  return fd
}

function emptyFile(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-log-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return join(directory, 'log')
}

t.test('LogOutput', async (t) => {
  t.test('writes lines in order, whole, of any length', async (t) => {
    const path = emptyFile(t)
    const output = new LogOutput(openFile(path, 'w'), BYTES_MAX)
    const lines = Array.from({ length: 200 }, (_, index) => `${index} ${'ü'.repeat(index * 20)}\n`)
    for (const line of lines) output.write(line)
    await until(() => readFileSync(path).length >= Buffer.byteLength(lines.join('')), 'all lines are there')
    t.ok(readFileSync(path, 'utf8') === lines.join(''))
  })

  t.test('at the end of the process writes at once what waits', async (t) => {
    const path = emptyFile(t)
    const output = new LogOutput(openFile(path, 'w'), BYTES_MAX)
    output.write('first\n')
    output.write('second\n')
    output.flushLast()
    t.match(readFileSync(path, 'utf8'), 'second\n')
    await until(() => readFileSync(path, 'utf8').includes('first\n'), 'what a thread had begun')
  })

  t.test('on a full disk drops what finds no room, and ends', async (t) => {
    const output = new LogOutput(openFile('/dev/full', 'w'), 100)
    const line = `${'x'.repeat(49)}\n`
    for (let count = 0; count < 10; count++) output.write(line)
    t.equal(output.droppedCount, 8)
    await new Promise(setImmediate)
    output.flushLast()
    t.pass('it returns')
  })

  t.test('says how many lines are missing, when they would be next', async (t) => {
    const path = emptyFile(t)
    const output = new LogOutput(openFile(path, 'w'), 100)
    const line = `${'x'.repeat(49)}\n`
    for (let count = 0; count < 5; count++) output.write(line)
    await until(() => readFileSync(path, 'utf8').includes('log-lines-dropped'), 'the line about it')
    const written = readFileSync(path, 'utf8').trim().split('\n')
    t.equal(written.length, 3)
    t.match(JSON.parse(written[2]), { event: 'log-lines-dropped', level: 40, count: 3 })
    t.equal(output.droppedCount, 0)
  })

  t.test('for a reader that is slow keeps every line whole, at the end of the process too', async (t) => {
    const path = emptyFile(t)
    execFileSync('mkfifo', [path])
    const reader = openFile(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const output = new LogOutput(openFile(path, constants.O_WRONLY | constants.O_NONBLOCK), BYTES_MAX)
    const lines = Array.from({ length: 2_000 }, (_, index) => `${index} ${'x'.repeat(90)}\n`)
    for (const line of lines) output.write(line)
    const piece = Buffer.alloc(64 * 1024)
    let text = ''
    const read = () => {
      text += piece.toString('utf8', 0, readSync(reader, piece))
    }
    // The pipe is full, and the next try waits for its time: no thread is at it.
    await delay(50)
    await until(() => !process.getActiveResourcesInfo().includes('FSReqCallback'), 'nothing is being written')
    read()
    output.flushLast()
    read()
    output.flushLast()
    while (text.length < lines.join('').length) {
      read()
      output.flushLast()
    }
    t.ok(text === lines.join(''))
  })

  t.test('keeps no process alive for a reader that has stopped', async (t) => {
    const path = emptyFile(t)
    execFileSync('mkfifo', [path])
    openFile(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const module = new URL('../../src/log/log-output.js', import.meta.url)
    const program = `import { openSync } from 'node:fs'
      import { LogOutput } from '${module}'
      const output = new LogOutput(openSync('${path}', ${constants.O_WRONLY | constants.O_NONBLOCK}), 4e6)
      process.on('exit', () => output.flushLast())
      for (let index = 0; index < 20000; index++) output.write('x'.repeat(90) + '\\n')`
    const args = ['--input-type=module', '--eval', program]
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    t.equal(status, 0, stderr)
  })

  t.test('without a reader takes no more', async (t) => {
    // A file that is open for reading only: EBADF.
    const fd = openFile('/dev/null', 'r')
    t.equal(readSync(fd, Buffer.alloc(1)), 0)
    const output = new LogOutput(fd, 100)
    output.write('a line\n')
    await until(() => {
      for (let count = 0; count < 10; count++) output.write(`${'x'.repeat(49)}\n`)
      const before = output.droppedCount
      output.write(`${'x'.repeat(99)}\n`)
      return output.droppedCount === before
    }, 'lines are neither kept nor counted')
  })
})
