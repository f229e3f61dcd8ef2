// Who `turnd probe` and `turnd doctor` are to a server, by options that both have under the names of either: --user or --as, --password-file or
// --as-password-file, --auth-secret-file or --as-secret-file.
import { CommandError } from './command-words.js'

/** Beside the options of each command. */
export const IDENTITY_OPTIONS = {
  as: { type: 'string' },
  'as-password-file': { type: 'string' },
  'as-secret-file': { type: 'string' },
  'password-file': { type: 'string' },
} as const

/** Each is null if it was not given. Of a password, its file, a secret and its file there is one at most. */
export interface ClientIdentityWords {
  /** As the line has it, or would have it, for sentences: so are the other two. */
  readonly nameOption: string
  readonly username: string | null
  /** null without a name, or if the name came without. */
  readonly password: string | null
  readonly passwordFileOption: string
  readonly passwordFile: string | null
  readonly secret: string | null
  readonly secretFileOption: string
  readonly secretFile: string | null
}

/** Of an option, by its name without dashes. */
export type OptionValue = (name: string) => string | null

/** @param show what gives an option. Throws a CommandError, which never has a password in it. */
export function readIdentity(value: OptionValue, show = (name: string) => `--${name}`): ClientIdentityWords {
  const oneOf = (first: string, second: string): readonly [option: string, value: string | null] => {
    if (value(first) !== null && value(second) !== null) {
      throw new CommandError(`${show(first)} and ${show(second)} are the same: give one of them`)
    }
    return value(second) === null ? [show(first), value(first)] : [show(second), value(second)]
  }
  const [nameOption, name] = oneOf('as', 'user')
  const [passwordFileOption, passwordFile] = oneOf('as-password-file', 'password-file')
  const [secretOption, secret] = oneOf('as-secret', 'auth-secret')
  const [secretFileOption, secretFile] = oneOf('as-secret-file', 'auth-secret-file')
  const { password, username } = parseName(nameOption, name, passwordFile !== null)
  const given = [
    ...(password === null ? [] : [`a password in ${nameOption}`]),
    ...(passwordFile === null ? [] : [passwordFileOption]),
    ...(secret === null ? [] : [secretOption]),
    ...(secretFile === null ? [] : [secretFileOption]),
  ]
  if (given.length > 1) throw new CommandError(`${given.join(' and ')} exclude each other: give one`)
  if (passwordFile !== null && username === null) {
    throw new CommandError(
      `${passwordFileOption} needs ${passwordFileOption === '--password-file' ? '--user' : '--as'} NAME`,
    )
  }
  return {
    ...{ nameOption, username, password, passwordFileOption, passwordFile },
    ...{ secret, secretFileOption, secretFile },
  }
}

/** The name ends at the first colon, that of TURN REST credentials (TIME:NAME) at the second. */
function parseName(option: string, text: string | null, isPasswordElsewhere: boolean) {
  if (text === null) return { username: null, password: null }
  const isRestNameAlone = isPasswordElsewhere && /^\d{6,}:[^:]+$/.test(text)
  if (isRestNameAlone || !text.includes(':')) return { username: text, password: null }
  const [, username = '', password = ''] = /^((?:\d{6,}:)?[^:]+):(.+)$/s.exec(text) ?? []
  if (text.startsWith(':')) throw new CommandError(`${option} has no name before its colon`)
  if (username === '') throw new CommandError(`${option} has an empty password after its colon`)
  return { username, password }
}
