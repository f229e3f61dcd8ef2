// The value of --auth-webhook: the web service that knows users.
import { isLoopbackHost } from './ip-address.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

export const WEBHOOK_URL_FORM = 'http[s]://HOST[:PORT][/PATH]'

/** The URL as requests are sent to it. It is shown in logs, so nothing in it is a secret. Throws ValueProblem. */
export function parseWebhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:\/\//i.test(text)) {
    throw problem(text, 'give the address of a web service such as https://users.example.org/turn')
  }
  if (url.username !== '' || url.password !== '') {
    throw problem(text, 'it must not hold credentials, --auth-webhook-token-file has them')
  }
  if (url.search !== '' || url.hash !== '') {
    throw problem(text, 'leave out what begins with ? or #; a token belongs in --auth-webhook-token-file')
  }
  if (url.port === '0') throw problem(text, 'port 0 is no port of a server')
  return url.href
}

/** What a warning says of it; null where there is nothing to say. */
export function webhookUrlWarning(text: string): string | null {
  const { hostname, protocol } = new URL(text)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (protocol === 'https:' || host === 'localhost' || isLoopbackHost(host)) return null
  return 'sends the keys of users over the network as plain text, and anybody on the way can give other ones: use https'
}

/** Errors are logged, so what may be credentials or a token is not shown. */
function problem(text: string, reason: string): ValueProblem {
  const bare = text.replace(/[?#].*$/s, '').replace(/^(\w+:\/\/)?.*@/s, '$1')
  return new ValueProblem(`is not ${WEBHOOK_URL_FORM}: ${reason}`, bare === text ? null : printable(bare))
}
