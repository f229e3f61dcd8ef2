// The value of --http-upstream: the web server that shares a port with TURN.
import { ValueProblem } from './value-type.js'

export const HTTP_UPSTREAM_FORM = 'http[s]://HOST[:PORT]'

/** Parses an origin: a path would have to be rewritten in every answer. Throws ValueProblem. */
export function parseHttpUpstream(text: string): string {
  const prefix = `is not ${HTTP_UPSTREAM_FORM}: `
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:\/\//i.test(text)) {
    throw new ValueProblem(`${prefix}give the origin of a web server such as https://webbridge.example.org:443`)
  }
  if (url.username !== '' || url.password !== '') throw new ValueProblem(`${prefix}it must not hold credentials`)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new ValueProblem(`${prefix}leave out the path, requests keep their own`)
  }
  return url.origin
}
