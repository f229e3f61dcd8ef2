// DTLS listeners where there can be none: said before any socket opens.
import { TurndError } from '../config/errors.js'
import type { ListenSpec } from '../config/listen-spec.js'

/** Throws TurndError if there are dtls: listeners and no DTLS. OpenSSL is that of Node itself, reached through koffi. */
export async function refuseImpossibleDtls(specs: readonly ListenSpec[]): Promise<void> {
  const spec = specs.find(({ scheme }) => scheme === 'dtls')
  if (spec === undefined) return
  const { checkDtls } = await import('../net/dtls/dtls-clients.js')
  try {
    checkDtls()
  } catch (error) {
    const { message } = error as Error
    throw new TurndError('TURND_ERR_OPTION', `--listen ${spec.text} is not possible here: ${message}`, { cause: error })
  }
}
