// DTLS listeners where there can be none: said before any socket opens.
import { TurndError } from '../config/errors.js'
import type { ListenSpec } from '../config/listen-spec.js'
import type { ParsedSettings } from '../config/settings.js'

/** Throws TurndError if there are dtls: listeners and no DTLS. OpenSSL is that of Node itself, reached through koffi. */
export async function refuseImpossibleDtls(specs: readonly ListenSpec[]): Promise<void> {
  const spec = specs.find(({ scheme }) => scheme === 'dtls')
  if (spec === undefined) return
  const error = await dtlsProblem()
  if (error === null) return
  throw new TurndError('TURND_ERR_OPTION', `--listen ${spec.text} is not possible here: ${error.message}`, {
    cause: error,
  })
}

/** Without the dtls: listeners that a file of another server has by default alone, where there can be none; and with a warning. */
export async function withoutDefaultDtls(parsed: ParsedSettings): Promise<ParsedSettings> {
  const { given, imported, settings } = parsed
  const listen = given.get('listen')
  const isOptional = ({ scheme, text }: ListenSpec) => scheme === 'dtls' && imported?.optionalListeners.includes(text)
  const left = settings.listen.filter((spec) => !isOptional(spec))
  if (listen === undefined || left.length === settings.listen.length || left.length === 0) return parsed
  const problem = await dtlsProblem()
  if (problem === null) return parsed
  const items = listen.items.filter((_, index) => left.includes(settings.listen[index]))
  const shown = listen.items.filter((item) => !items.includes(item)).map((item) => item.shown)
  const text = `${shown.join(', ')}: left out, since the other server has it by default alone and it is not possible here: ${problem.message}`
  return {
    ...parsed,
    settings: { ...settings, listen: left },
    given: new Map(given).set('listen', { ...listen, items, value: left }),
    warnings: [...parsed.warnings, text],
  }
}

async function dtlsProblem(): Promise<Error | null> {
  const { checkDtls } = await import('../net/dtls/dtls-clients.js')
  try {
    checkDtls()
    return null
  } catch (error) {
    return error as Error
  }
}
