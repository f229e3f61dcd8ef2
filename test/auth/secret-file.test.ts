import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadSecretFile } from '../../src/auth/secret-file.js'
import { messageOf } from '../config/refusals.js'

t.test('the file of --auth-secret-file', async (t) => {
  const path = join(t.testdir(), 'secrets')
  const load = (text: string) => {
    writeFileSync(path, text)
    return loadSecretFile(path)
  }

  t.test('holds a secret a line, with blank lines and comments between them', async (t) => {
    t.same(load('north\n\n# a comment\r\n  south \r\n'), ['north', 'south'])
    t.same(load('\ufeffnorth'), ['north'])
  })

  t.test('is refused without a secret, and with one that has a control character, which is not shown', async (t) => {
    t.equal(
      messageOf(() => load('# none\n')),
      `--auth-secret-file ${path} holds no secret: write one on a line`,
    )
    for (const control of ['\r', '\0', '\u001b', '\u0085']) {
      t.equal(
        messageOf(() => load(`north\n\nhunter${control}2\n`)),
        `--auth-secret-file ${path}, line 3: the secret has a control character: write one on a line, as text`,
      )
    }
  })
})
