// The tokens of metrics: of the option and of the file; what is wrong with the file names its option.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { adminTokensOf } from '../../src/server/admin-tokens.js'
import { parse } from '../config/refusals.js'

t.test('tokens of metrics', async (t) => {
  const path = join(t.testdir(), 'tokens')
  const { settings } = parse({ argv: ['--metrics-token', 'of-the-command-line-1', '--metrics-token-file', path] })

  t.test('are those of the option and of the file', async (t) => {
    writeFileSync(path, '# old and new\nof-the-file-000000001\n\nof-the-file-000000002\n')
    t.same(adminTokensOf(settings).metrics, ['of-the-command-line-1', 'of-the-file-000000001', 'of-the-file-000000002'])
    t.same(adminTokensOf(parse({}).settings).metrics, [])
  })

  t.test('are not read from a file that is missing or has none', async (t) => {
    writeFileSync(path, '\n')
    t.throws(() => adminTokensOf(settings).metrics, {
      code: 'TURND_ERR_SECRET_FILE',
      message: `--metrics-token-file ${path} holds no secret: write one on a line`,
    })
    t.throws(
      () => adminTokensOf({ ...settings, metricsTokenFile: `${path}-missing` }).metrics,
      /^--metrics-token-file .*no such file/,
    )
  })

  t.test('are warned about when they are short, and not shown', async (t) => {
    const { warnings } = parse({ argv: ['--metrics-token', 'hunter2'] })
    t.match(warnings, [/^--metrics-token: the value is short enough to be guessed: openssl rand -hex 32/])
    t.notMatch(warnings.join(), /hunter2/)
  })
})
