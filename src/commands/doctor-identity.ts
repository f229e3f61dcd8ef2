// Who the doctor is to a server: from its own arguments, else from the server's options.
import { loadSecretFile } from '../auth/secret-file.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'
import type { Identity } from '../doctor/outside/scene.js'
import { CommandError } from './command-words.js'
import type { DoctorArguments } from './doctor-arguments.js'

/** null: nobody. Throws a CommandError for a file that cannot be read. @param settings of the server, if they were given */
export function identityOf({ as, secret, secretFile }: DoctorArguments, settings: Settings | null): Identity | null {
  if (as !== null) return { kind: 'password', ...as }
  if (secret !== null) return { kind: 'secret', secret }
  if (secretFile !== null) return { kind: 'secret', secret: secretOf(secretFile, '--as-secret-file') }
  if (settings === null) return null
  const user = settings.user.find((one) => 'password' in one)
  if (user !== undefined) return { kind: 'password', username: user.name, password: user.password }
  if (settings.authSecret.length > 0) return { kind: 'secret', secret: settings.authSecret[0] }
  return settings.authSecretFile === null ? null : secretFromServer(settings.authSecretFile)
}

function secretFromServer(path: string): Identity | null {
  try {
    return { kind: 'secret', secret: loadSecretFile(path)[0] }
  } catch {
    // A check of this machine tells.
    return null
  }
}

function secretOf(path: string, option: string): string {
  try {
    return loadSecretFile(path, option)[0]
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}
