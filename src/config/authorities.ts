// The files of --http-upstream-ca, --redis-ca and --auth-webhook-ca: who vouches for a server that turnd is a client of.
import { X509Certificate } from 'node:crypto'
import { TurndError } from './errors.js'
import { readTextFile } from './read-text-file.js'

/** `EACCES: permission denied, open '/path'`: the path is told anyway. */
const SYSTEM_ERROR = /^E[A-Z]+: (.+?), [a-z]+(?: '.*')?$/s

/** The text of the file; throws TurndError unless it is one certificate in PEM form, or more. */
export function readAuthorities(path: string, option: string): string {
  try {
    const text = readTextFile(path)
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    if (blocks === null) throw new Error('it holds no certificate in PEM form')
    for (const block of blocks) new X509Certificate(block)
    return text
  } catch (error) {
    const message = (error as Error).message.replace(SYSTEM_ERROR, '$1')
    throw new TurndError('TURND_ERR_CERTIFICATE', `${option} ${path} cannot be used: ${message}`, {
      cause: error,
    })
  }
}
