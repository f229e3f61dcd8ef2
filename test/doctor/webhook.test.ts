// What the doctor makes of the web service of --auth-webhook, at services of the test's own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMMAND_LINE } from '../../src/config/source.js'
import type { Judgement } from '../../src/doctor/check.js'
import { webhook } from '../../src/doctor/inside/webhook.js'
import { REAL_MACHINE } from '../../src/doctor/machine.js'
import { settingsOf } from '../server/settings.js'
import { before } from '../support/http-stage.js'
import { type Answering, json, startWebService } from '../support/web-service.js'

t.setTimeout(240_000)

const TOKEN = 'hunter2-of-the-portal'
const KEY = '0123456789abcdef0123456789abcdef'

const withToken =
  (answering: Answering): Answering =>
  (response, asked) =>
    asked.headers.authorization === `Bearer ${TOKEN}` ? answering(response, asked) : json(response, 401, {})

async function judged(
  t: Test,
  answering: Answering,
  options: Parameters<typeof settingsOf>[0] = {},
  patienceMs = 10_000,
) {
  const service = await startWebService(t, answering)
  const settings = settingsOf({ authWebhook: service.url, realm: 'example.org', ...options })
  const scene = {
    ...{ settings, parsed: { settings, warnings: [], given: new Map(), naming: COMMAND_LINE }, machine: REAL_MACHINE },
    ...{ running: [], silent: [], settingsOf: null, nowMs: Date.now(), patienceMs },
  }
  const judgement = (await before(webhook.run(scene, new AbortController().signal), 'a judgement')) as Judgement
  return { judgement, service }
}

t.test('the doctor asks the web service for a user that nobody has', async (t) => {
  const path = join(t.testdir(), 'token')
  writeFileSync(path, `${TOKEN}\n`)
  const token = { authWebhookTokenFile: path }

  t.test('and is content with one that does not know or refuses it, and wants the token', async (t) => {
    const unknown = await judged(
      t,
      withToken((response) => json(response, 404, {})),
      token,
    )
    t.match(unknown.judgement, {
      verdict: 'ok',
      text: /accepts the token and does not know a random name, after \d+ ms$/,
    })
    t.match(unknown.service.asked, [
      { body: { user: /^turnd-doctor-[0-9a-f]{16}$/, realm: 'example.org' } },
      { headers: { authorization: undefined } },
    ])
    const refusing = await judged(t, (response) => json(response, 200, { refused: 'nobody' }))
    t.match(refusing.judgement, { verdict: 'ok', text: /\/turn refuses a random name, after/ })
    t.equal(refusing.service.asked.length, 1)
  })

  t.test('and warns of one that answers without the token as well', async (t) => {
    const { judgement } = await judged(t, (response) => json(response, 404, {}), token)
    t.match(judgement, { verdict: 'warning', text: /whoever reaches it can ask for the keys of users$/ })
  })

  t.test('and finds what is wrong with any other', async (t) => {
    const everybody = await judged(t, (response) => json(response, 200, { key: KEY }))
    t.match(everybody.judgement, { verdict: 'fault', cause: /everybody can log in$/ })
    const refused = await judged(
      t,
      withToken((response) => json(response, 404, {})),
    )
    t.match(refused.judgement, { verdict: 'fault', text: /401 \(Unauthorized\): it wants a token/ })
    const silent = await judged(t, () => {}, {}, 200)
    t.match(silent.judgement, { verdict: 'fault', text: /: no answer of the service in time$/ })
    const closed = await judged(t, () => {}, { authWebhook: 'http://127.0.0.1:1/' })
    t.match(closed.judgement, { verdict: 'fault', text: /connection refused/, remedy: /docs\/webhook\.md/ })
    const unreadable = await judged(t, () => {}, { authWebhookTokenFile: `${path}.absent` })
    t.match(unreadable.judgement, { verdict: 'fault', text: /no such file/, remedy: /^Name a file that is there/ })
    for (const { judgement } of [everybody, refused, silent, closed]) t.notMatch(JSON.stringify(judgement), /hunter2/)
  })

  t.test('and nobody where none is configured', async (t) => {
    const { judgement, service } = await judged(t, () => {}, { authWebhook: undefined })
    t.same(judgement, [])
    t.equal(service.asked.length, 0)
  })
})
