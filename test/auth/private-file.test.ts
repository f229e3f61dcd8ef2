import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createPrivateDirectory, createPrivateFile, replacePrivateFile } from '../../src/auth/private-file.js'

const MODULE = new URL('../../src/auth/private-file.js', import.meta.url).href
const modeOf = (path: string) => statSync(path).mode & 0o777

t.test('replacePrivateFile', async (t) => {
  t.test('creates and replaces with mode 0600, whatever it was, and leaves nothing else behind', async (t) => {
    const directory = t.testdir({ file: 'old' })
    const path = join(directory, 'file')
    t.not(modeOf(path), 0o600)
    replacePrivateFile(path, 'new')
    t.equal(readFileSync(path, 'utf8'), 'new')
    t.equal(modeOf(path), 0o600)
    replacePrivateFile(join(directory, 'other'), 'x')
    t.equal(modeOf(join(directory, 'other')), 0o600)
    t.same(readdirSync(directory).sort(), ['file', 'other'])
  })

  t.test('keeps the old file when the new one cannot be written whole', { skip: noFileLimit() }, async (t) => {
    const directory = t.testdir({ file: 'old' })
    const path = join(directory, 'file')
    // Under a limit of the file size the first write is cut short, as on a disk that is nearly full.
    const script = `import(${JSON.stringify(MODULE)}).then((m) => m.replacePrivateFile(${JSON.stringify(path)}, 'x'.repeat(100000)))`
    const child = spawnSync('sh', ['-c', 'ulimit -f 8; exec "$0" -e "$1"', process.execPath, script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    })
    t.not(child.status, 0)
    t.match(child.stderr, /EFBIG/)
    t.equal(readFileSync(path, 'utf8'), 'old')
    t.same(readdirSync(directory), ['file'])
  })

  t.test('keeps the owner, and gives a new file to the owner of the directory', { skip: notRoot() }, async (t) => {
    const directory = t.testdir({ file: 'old' })
    chownSync(directory, 1234, 1235)
    chownSync(join(directory, 'file'), 2234, 2235)
    replacePrivateFile(join(directory, 'file'), 'new')
    replacePrivateFile(join(directory, 'other'), 'new')
    const owner = (name: string) => [statSync(join(directory, name)).uid, statSync(join(directory, name)).gid]
    t.same(owner('file'), [2234, 2235])
    t.same(owner('other'), [1234, 1235])
  })

  t.test('throws where the directory does not exist', async (t) => {
    t.throws(() => replacePrivateFile(join(t.testdir({}), 'missing', 'file'), 'x'), { code: 'ENOENT' })
  })
})

t.test('createPrivateFile', async (t) => {
  t.test('creates with mode 0600', async (t) => {
    const path = join(t.testdir({}), 'file')
    t.equal(createPrivateFile(path, 'x'), true)
    t.equal(modeOf(path), 0o600)
    t.equal(readFileSync(path, 'utf8'), 'x')
  })

  t.test('leaves a file that exists as it is', async (t) => {
    const directory = t.testdir({})
    const path = join(directory, 'file')
    writeFileSync(path, 'first')
    t.equal(createPrivateFile(path, 'second'), false)
    t.equal(readFileSync(path, 'utf8'), 'first')
    t.same(readdirSync(directory), ['file'])
  })
})

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'only root can give files away'
}

function noFileLimit(): string | false {
  return process.platform === 'win32' ? 'no ulimit here' : false
}

t.test('createPrivateDirectory', async (t) => {
  t.test('creates what is missing with mode 0700, and takes what is there', async (t) => {
    const path = join(t.testdir({}), 'a', 'b')
    createPrivateDirectory(path)
    t.equal(modeOf(path), 0o700)
    createPrivateDirectory(path)
  })

  t.test('fails under a file', async (t) => {
    const directory = t.testdir({ file: '' })
    t.throws(() => createPrivateDirectory(join(directory, 'file')), { code: 'EEXIST' })
    t.throws(() => createPrivateDirectory(join(directory, 'file', 'a')))
  })

  t.test('fails, and does not hang, where no directory can be made', { skip: noProc() }, async (t) => {
    t.throws(() => createPrivateDirectory('/proc/turnd/state'), { code: 'ENOENT' })
  })
})

function noProc(): string | false {
  return existsSync('/proc/self') ? false : '/proc is Linux'
}
