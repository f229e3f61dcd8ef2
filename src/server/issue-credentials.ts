// TURN REST credentials that a running server issues over HTTP, with the secret and by the rules of this moment.
import { AdminProblem } from '../admin/administered.js'
import type { Credentials } from '../admin/schema/credentials.js'
import { defaultLifetime, issueCredentials, wrongLifetime, wrongUser } from '../auth/rest-credentials.js'
import type { AdministeredServer } from './administration.js'
import { restRulesOf } from './users-snapshot.js'

/** Throws AdminProblem. @param ttl null: --auth-secret-lifetime */
export function credentialsOf(
  server: Pick<AdministeredServer, 'settings' | 'users' | 'uris'>,
  user: string,
  ttl: number | null,
): Credentials {
  const settings = server.settings()
  const rules = restRulesOf(settings)
  const ttlSeconds = ttl ?? defaultLifetime(settings.authSecretLifetime, rules)
  const userProblem = wrongUser(user)
  if (userProblem !== null) throw new AdminProblem(400, 'BAD_REQUEST', `the user ${userProblem}`)
  const lifetimeProblem = wrongLifetime(ttlSeconds, rules)
  if (lifetimeProblem !== null) throw new AdminProblem(400, 'BAD_REQUEST', `ttl ${ttlSeconds} ${lifetimeProblem}`)
  const [secret] = server.users().secretList.all()
  if (secret === undefined) {
    const message = 'this server has no TURN REST secret to sign with: give it --auth-secret-file'
    throw new AdminProblem(503, 'NO_SECRET', message)
  }
  // Plain data of this very answer.
  return structuredClone(
    issueCredentials(secret, { user, ttlSeconds }, rules, Date.now() / 1000, server.uris()),
  ) as Credentials
}
