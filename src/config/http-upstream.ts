// The value of --http-upstream: the web server that shares a port with TURN.
import { printable } from './printable.js'
import type { Settings } from './settings.js'
import { ValueProblem } from './value-type.js'

export const HTTP_UPSTREAM_FORM = 'http[s]://HOST[:PORT]'

/** Parses an origin: a path would have to be rewritten in every answer. Throws ValueProblem. */
export function parseHttpUpstream(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:\/\//i.test(text)) {
    throw problem(text, 'give the origin of a web server such as https://webbridge.example.org:443')
  }
  if (url.username !== '' || url.password !== '') throw problem(text, 'it must not hold credentials')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw problem(text, 'leave out the path, requests keep their own')
  }
  if (url.port === '0') throw problem(text, 'port 0 is no port of a server')
  return url.origin
}

/** By what names its pages are asked for: none where there are no pages. */
export function pageNamesOf({ httpName, httpUpstream }: Settings): readonly string[] {
  return httpUpstream === null ? [] : httpName
}

/** Errors are logged, so what may be credentials is not shown. */
function problem(text: string, reason: string): ValueProblem {
  const shown = text.includes('@') ? printable(text.replace(/^(\w+:\/\/)?.*@/s, '$1')) : null
  return new ValueProblem(`is not ${HTTP_UPSTREAM_FORM}: ${reason}`, shown)
}
