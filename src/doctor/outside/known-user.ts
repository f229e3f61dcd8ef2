// What the options of a server say of a name and a password: servers tell nobody which of the two is wrong, their options do.

import { md5Key } from '../../auth/credentials.js'
import { StaticUsers } from '../../auth/static-users.js'
import { UsersFileStore, usersFileOfStateDir } from '../../auth/users-file-store.js'
import type { ClientCredentials } from '../../client/client-credentials.js'
import type { Settings } from '../../config/settings.js'

/** `unknown`: the options do not say. */
export type KnownUser = 'unknown-user' | 'wrong-password' | 'right' | 'unknown'

export function knownUser({ password, username }: ClientCredentials, settings: Settings): KnownUser {
  const { authSecret, authSecretFile, realm, stateDir, user, usersFile } = settings
  try {
    const file = new UsersFileStore(usersFile ?? usersFileOfStateDir(stateDir), realm, () => {}, usersFile === null)
    file.close()
    const stores = [new StaticUsers(realm, user), file]
    const found = stores.map((store) => store.find(username)).find((credential) => typeof credential === 'object')
    if (typeof found === 'object') {
      const wanted = Buffer.from(md5Key(username, realm, password))
      return found.md5Key !== null && wanted.equals(found.md5Key) ? 'right' : 'wrong-password'
    }
    // Without any user there is a generated one, and with a secret whoever has a name that it is good for.
    const isNobody = user.length === 0 && file.userCount === 0
    return isNobody || authSecret.length > 0 || authSecretFile !== null ? 'unknown' : 'unknown-user'
  } catch {
    // A check of the machine tells of a broken file.
    return 'unknown'
  }
}
