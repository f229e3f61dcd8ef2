import t from 'tap'
import { parseWebhookUrl } from '../../src/config/webhook-url.js'
import { messageOf, parse, refusal } from './refusals.js'

t.test('--auth-webhook', async (t) => {
  t.test('takes the address of a web service', async (t) => {
    const rows: [string, string][] = [
      ['https://users.example.org', 'https://users.example.org/'],
      ['HTTPS://Users.Example.ORG:443/a/b', 'https://users.example.org/a/b'],
      ['http://[::1]:8080/turn', 'http://[::1]:8080/turn'],
    ]
    for (const [text, url] of rows) t.equal(parseWebhookUrl(text), url, text)
  })

  t.test('says what is wrong with anything else, and shows nothing that may be a secret', async (t) => {
    const form = 'is not http[s]://HOST[:PORT][/PATH]: '
    const rows: [string, string][] = [
      ['users.example.org', `${form}give the address of a web service such as https://users.example.org/turn`],
      ['ftp://a', `${form}give the address of a web service such as https://users.example.org/turn`],
      ['http://a:0/', `${form}port 0 is no port of a server`],
      [
        'https://a/b?token=hunter2',
        `${form}leave out what begins with ? or #; a token belongs in --auth-webhook-token-file`,
      ],
      ['https://bob:hunter2@a/b', `${form}it must not hold credentials, --auth-webhook-token-file has them`],
    ]
    for (const [text, message] of rows) {
      t.equal(
        messageOf(() => parseWebhookUrl(text)),
        message,
        text,
      )
      t.notMatch(refusal({ argv: ['--auth-webhook', text] }).message, /hunter2/)
    }
    t.match(
      refusal({ argv: ['--auth-webhook', 'https://bob:hunter2@a/b?c=hunter2'] }).message,
      /^--auth-webhook https:\/\/a\/b is not/,
    )
  })

  t.test('warns where keys go over the network as plain text, and of options that do nothing', async (t) => {
    const warnings = (line: string) => parse({ argv: line.split(' ') }).warnings
    t.match(warnings('--auth-webhook http://192.0.2.1/turn'), [
      /^--auth-webhook http:\/\/192\.0\.2\.1\/turn sends the keys .* plain text/,
    ])
    for (const url of ['http://127.0.0.2/', 'http://[::1]:80/', 'http://localhost:8080/turn', 'https://192.0.2.1/']) {
      t.same(warnings(`--auth-webhook ${url}`), [], url)
    }
    t.same(warnings('--auth-webhook-token-file t'), [
      '--auth-webhook-token-file t has no effect: no web service is asked without --auth-webhook https://HOST/PATH',
    ])
    const unasked =
      '--auth-webhook-ca c has no effect: it is for a web service over TLS, such as --auth-webhook https://HOST/PATH'
    t.same(warnings('--auth-webhook-ca c'), [unasked])
    t.same(warnings('--auth-webhook-ca c --auth-webhook http://localhost'), [unasked])
    t.same(warnings('--auth-webhook-ca c --auth-webhook-token-file t --auth-webhook https://a'), [])
  })
})
