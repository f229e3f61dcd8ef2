// Who the doctor is to a server: from its own arguments, else from the server's options.
import { loadSecretFile } from '../auth/secret-file.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'
import type { Identity } from '../doctor/outside/scene.js'
import type { ClientIdentityWords } from './client-identity.js'
import { CommandError } from './command-words.js'
import { readPasswordFile } from './option-file.js'

/** null: nobody. Throws a CommandError for a file that cannot be read. @param settings of the server, if they were given */
export function identityOf(options: ClientIdentityWords, settings: Settings | null): Identity | null {
  const { password, passwordFile, passwordFileOption, secret, secretFile, secretFileOption, username } = options
  // A name beside a secret is of no weight: servers look at its time alone.
  if (secret !== null) return { kind: 'secret', secret }
  if (secretFile !== null) return { kind: 'secret', secret: secretOf(secretFile, secretFileOption) }
  if (username !== null && password !== null) return { kind: 'password', username, password }
  if (username !== null && passwordFile !== null) {
    return { kind: 'password', username, password: readPasswordFile(passwordFileOption, passwordFile) }
  }
  return settings === null ? null : identityOfServer(settings)
}

function identityOfServer(settings: Settings): Identity | null {
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
