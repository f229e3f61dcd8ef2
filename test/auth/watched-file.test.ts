import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadSecretFile } from '../../src/auth/secret-file.js'
import { WatchedFile } from '../../src/auth/watched-file.js'
import { until } from '../command/until.js'

function watch(t: Test) {
  const path = join(t.testdir({ secrets: 'north\n' }), 'secrets')
  const problems: string[] = []
  const heard: string[] = []
  const file = new WatchedFile({
    path,
    load: (path) => loadSecretFile(path),
    staying: 'the secrets read before stay',
    onProblem: (text) => problems.push(text),
  })
  file.onChanged = (secrets) => void heard.push(secrets.join(' '))
  t.teardown(() => file.close())
  return { file, path, problems, heard }
}

t.test('the secrets file', { jobs: 3 }, async (t) => {
  t.test('is read again when it changes, whether written anew or replaced', { buffered: true }, async (t) => {
    const { file, heard, path } = watch(t)
    t.same(file.content, ['north'])
    writeFileSync(path, 'north\nsouth\n')
    await until(() => heard.length === 1, 'it is read again')
    writeFileSync(`${path}.new`, 'south\n')
    renameSync(`${path}.new`, path)
    await until(() => heard.length === 2, 'and again')
    t.same(heard, ['north south', 'south'])
    t.same(file.content, ['south'])
  })

  t.test(
    'keeps its secrets when it is broken, empty or away, and says so once, without its content',
    { buffered: true },
    async (t) => {
      const { file, heard, path, problems } = watch(t)
      writeFileSync(path, 'hunter2\u0007\n')
      await until(() => problems.length === 1, 'a control character is a problem')
      writeFileSync(path, '# none\n')
      await until(() => problems.length === 2, 'so is a file without a secret')
      rmSync(path)
      await until(() => problems.length === 3, 'and none')
      t.match(problems, [/line 1: the secret has a control character/, /holds no secret/, /no such file/i])
      for (const text of problems) t.match(text, /^--auth-secret-file .*; the secrets read before stay$/)
      t.notMatch(problems.join(), /hunter2/)
      t.same(file.content, ['north'])
      t.same(heard, [])
      t.equal(file.reload(), false, 'asked for, it says so again')
      writeFileSync(path, 'south\n')
      await until(() => heard.length === 1, 'it is back')
      t.equal(problems.length, 4, 'and nobody was told again by the clock')
    },
  )

  t.test('read for a reload it counts when that is taken over', { buffered: true }, async (t) => {
    const { file, heard, path } = watch(t)
    file.close()
    writeFileSync(path, 'south\n')
    const read = file.readAgain()
    t.same(read.content, ['south'])
    t.same(file.content, ['north'])
    read.take()
    t.same([file.content, heard], [['south'], ['south']])
    rmSync(path)
    t.throws(() => file.readAgain(), { code: 'TURND_ERR_SECRET_FILE' })
  })
})
