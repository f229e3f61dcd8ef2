import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { webhookOptionsOf } from '../../src/stores/webhook-options.js'
import { messageOf } from '../config/refusals.js'
import { settingsOf } from '../server/settings.js'
import { makePair } from '../support/certificate.js'

t.test('the options of --auth-webhook', async (t) => {
  const { certificate: cert } = await makePair()
  const directory = t.testdir({
    token: '# of the portal\nabc.DEF-1~==\n',
    ca: cert,
    none: '',
    two: 'a\nb\n',
    space: 'hunter 2\n',
  })
  const path = (name: string) => join(directory, name)
  const authWebhook = 'https://users.example.org/turn'

  t.test('are read with their files', async (t) => {
    t.equal(webhookOptionsOf(settingsOf({})), null)
    const bare = { url: authWebhook, token: null, tokenFile: null, ca: null, server: null }
    t.match(webhookOptionsOf(settingsOf({ authWebhook })), { ...bare, userAgent: /^turnd\/\d/ })
    const files = { authWebhookTokenFile: path('token'), authWebhookCa: path('ca') }
    t.match(
      webhookOptionsOf(settingsOf({ authWebhook, ...files, publicName: ['turn.example.org', 'b.example.org'] })),
      {
        ...{ token: 'abc.DEF-1~==', tokenFile: path('token'), ca: cert, server: 'turn.example.org' },
      },
    )
  })

  t.test('are refused with a file that is something else, of which nothing is shown', async (t) => {
    writeFileSync(path('long'), 'x'.repeat(5000))
    const rows: [string, RegExp][] = [
      ['absent', /: no such file or directory$/],
      ['none', / holds no secret: write one on a line$/],
      ['two', / holds several tokens, and one is sent: leave the others out$/],
      ['space', / holds a token with a space or a character that no header can have$/],
      ['long', / holds a token of more than 4096 characters$/],
    ]
    for (const [name, problem] of rows) {
      const message = messageOf(() => webhookOptionsOf(settingsOf({ authWebhook, authWebhookTokenFile: path(name) })))
      t.match(message, problem)
      t.match(message, new RegExp(`^--auth-webhook-token-file .*/${name}"?[: ]`))
      t.notMatch(message, /hunter/)
    }
    t.match(
      messageOf(() => webhookOptionsOf(settingsOf({ authWebhook, authWebhookCa: path('token') }))),
      /^--auth-webhook-ca .*token cannot be used: it holds no certificate in PEM form$/,
    )
    t.match(
      messageOf(() => webhookOptionsOf(settingsOf({ authWebhook, authWebhookCa: path('nothing') }))),
      /^--auth-webhook-ca .*nothing cannot be used: no such file or directory$/,
    )
  })
})
