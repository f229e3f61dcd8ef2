// The values of --http-upstream and --http-upstream-ca: the web server that shares a port with TURN, and who vouches for it.
import { X509Certificate } from 'node:crypto'
import { TurndError } from './errors.js'
import { readTextFile } from './read-text-file.js'
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

/** The text of the file of --http-upstream-ca; throws TurndError unless it is one or more certificates. */
export function readUpstreamCa(path: string): string {
  try {
    const text = readTextFile(path)
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    if (blocks === null) throw new Error('it holds no certificate in PEM form')
    for (const block of blocks) new X509Certificate(block)
    return text
  } catch (error) {
    const { message } = error as Error
    throw new TurndError('TURND_ERR_CERTIFICATE', `--http-upstream-ca ${path} cannot be used: ${message}`, {
      cause: error,
    })
  }
}
