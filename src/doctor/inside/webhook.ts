// The web service of --auth-webhook: reachable, trusted, accepts the token, and answers in the shape of its contract. Asked for a user that nobody has.
import { randomBytes } from 'node:crypto'
import type { OutsideAnswer } from '../../auth/outside-store.js'
import { errorText } from '../../auth/private-file.js'
import type { Settings } from '../../config/settings.js'
import { WebhookStore } from '../../stores/webhook.js'
import { type WebhookOptions, webhookOptionsOf } from '../../stores/webhook-options.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { faultOf } from '../two-parts.js'
import { fileRemedy, notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

export interface WebhookFacts {
  readonly url: string
  readonly hasToken: boolean
  /** What it says of a name that nobody has; or why it says nothing, a sentence. */
  readonly answer: OutsideAnswer | string
  /** The same when it is asked without the token; null: it has none, or was not asked. */
  readonly tokenlessAnswer: OutsideAnswer | string | null
  /** From the question to the answer, the connection included. */
  readonly milliseconds: number
}

export function judgeWebhook({ answer, hasToken, milliseconds, tokenlessAnswer, url }: WebhookFacts): Judgement {
  if (typeof answer === 'string') {
    return fault(
      'the web service that knows the users does not say who they are',
      `--auth-webhook ${url}: ${answer}`,
      'Mend the service or the option: docs/webhook.md says what it is asked and what it may answer, with a line of curl to try it',
    )
  }
  if (answer.kind === 'found') {
    return fault(
      'the web service has a key for every name, so that everybody can log in',
      `--auth-webhook ${url}: it answered with a key for a random name that nobody has`,
      'Let the service answer 404 for names that it does not know',
    )
  }
  if (tokenlessAnswer !== null && typeof tokenlessAnswer !== 'string') {
    return warning(
      `--auth-webhook ${url} answers without its token as well: whoever reaches it can ask for the keys of users`,
      'Let the service answer 401 to requests without the token',
    )
  }
  const what = answer.kind === 'unknown' ? 'does not know' : 'refuses'
  const token = hasToken ? 'accepts the token and ' : ''
  return well(`the web service ${url} ${token}${what} a random name, after ${Math.round(milliseconds)} ms`)
}

export const webhook: Check<InsideScene> = {
  id: 'auth-webhook',
  needs: ['configuration'],
  async run({ patienceMs, running, settings }, signal) {
    try {
      const options = webhookOptionsOf(settings)
      return options === null ? [] : judgeWebhook(await lookAtWebhook(options, settings, patienceMs, signal))
    } catch (error) {
      return notReadable(error, running.length > 0) ?? faultOf(errorText(error), fileRemedy(error, 'Mend that file'))
    }
  },
}

async function lookAtWebhook(
  options: WebhookOptions,
  { realm }: Settings,
  patienceMs: number,
  signal: AbortSignal,
): Promise<WebhookFacts> {
  const { token, url } = options
  const ask = (asked: WebhookOptions) =>
    askForNobody(asked, realm, AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]))
  const begin = performance.now()
  const answer = await ask(options)
  const milliseconds = performance.now() - begin
  const isWorthIt = token !== null && typeof answer !== 'string'
  const tokenlessAnswer = isWorthIt ? await ask({ ...options, token: null, tokenFile: null }) : null
  return { url, hasToken: token !== null, answer, tokenlessAnswer, milliseconds }
}

async function askForNobody(
  options: WebhookOptions,
  realm: string,
  signal: AbortSignal,
): Promise<OutsideAnswer | string> {
  const store = new WebhookStore(options)
  try {
    const username = `turnd-doctor-${randomBytes(8).toString('hex')}`
    return await store.lookup({ username, realm, source: '127.0.0.1' }, signal)
  } catch (error) {
    return errorText(error)
  } finally {
    await store.close()
  }
}
