import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { withLockFile } from '../../src/auth/lock-file.js'

/** A process number that was just in use and is not any more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

t.test('withLockFile', async (t) => {
  t.test('holds PATH.lock while the action runs, and removes it', async (t) => {
    const directory = t.testdir({})
    const path = join(directory, 'file')
    const result = await withLockFile(path, () => {
      t.match(readFileSync(`${path}.lock`, 'utf8'), new RegExp(`^${process.pid} `))
      return 42
    })
    t.equal(result, 42)
    t.same(readdirSync(directory), [])
  })

  t.test('removes it when the action throws', async (t) => {
    const directory = t.testdir({})
    await t.rejects(
      withLockFile(join(directory, 'file'), () => {
        throw new Error('no')
      }),
      { message: 'no' },
    )
    t.same(readdirSync(directory), [])
  })

  t.test('waits for another holder', async (t) => {
    const path = join(t.testdir({}), 'file')
    writeFileSync(`${path}.lock`, `${process.ppid} ${hostname()} x\n`)
    let isFree = false
    const waiting = withLockFile(path, () => t.ok(isFree))
    await new Promise(setImmediate)
    t.ok(existsSync(`${path}.lock`))
    isFree = true
    unlinkSync(`${path}.lock`)
    await waiting
  })

  t.test(
    'takes what an earlier process of the same number has left, as in a container that starts again',
    async (t) => {
      const path = join(t.testdir({}), 'file')
      writeFileSync(`${path}.lock`, `${process.pid} ${hostname()} x\n`)
      t.equal(await withLockFile(path, () => 'ran', 0), 'ran')
      t.equal(existsSync(`${path}.lock`), false)
    },
  )

  t.test('gives up after the deadline, and says who holds it', async (t) => {
    const path = join(t.testdir({}), 'file')
    writeFileSync(`${path}.lock`, '17 elsewhere.example x\n')
    await t.rejects(
      withLockFile(path, () => t.fail('ran'), 50),
      {
        message: `${path}.lock is held by process 17 on elsewhere.example; remove it if no such process edits the file`,
      },
    )
    t.ok(existsSync(`${path}.lock`), 'the lock of another host stays')
  })

  t.test('an empty lock is one that is being written: it stays', async (t) => {
    const path = join(t.testdir({}), 'file')
    writeFileSync(`${path}.lock`, '')
    await t.rejects(
      withLockFile(path, () => t.fail('ran'), 50),
      { message: /is held by another process/ },
    )
  })

  t.test('takes over the lock of a process that is gone', async (t) => {
    const directory = t.testdir({})
    const path = join(directory, 'file')
    writeFileSync(`${path}.lock`, `${await deadProcess()} ${hostname()} x\n`)
    t.equal(await withLockFile(path, () => 'ran', 1000), 'ran')
    t.same(readdirSync(directory), [])
  })

  t.test('throws at once where no lock can be made', async (t) => {
    await t.rejects(
      withLockFile(join(t.testdir({}), 'missing', 'file'), () => t.fail('ran')),
      { code: 'ENOENT' },
    )
  })
})
