// `turnd credentials --access-token`: an access token as an authorization server makes it (RFC 7635), with a key that the server has. For tests
// of the way between them.
import { randomBytes } from 'node:crypto'
import { loadOAuthKeys } from '../auth/oauth-keys-file.js'
import { isExpired, type OAuthKey, sealToken } from '../auth/oauth-token.js'
import { TurndError } from '../config/errors.js'
import { printable } from '../config/printable.js'
import type { Settings } from '../config/settings.js'
import { durationText } from '../doctor/durations.js'
import { TOKEN_LIFETIME_SECONDS_DEFAULT, TOKEN_MAC_KEY_BYTES_MIN } from '../limits/oauth.js'
import { CommandError } from './command-words.js'
import type { CredentialsArguments } from './credentials-arguments.js'

/** The lifetime is a number of 32 bits. */
const LIFETIME_SECONDS_MAX = 0xffff_ffff

/** What is printed. Throws a CommandError. */
export function accessTokenText({ isJson, kid, ttlSeconds }: CredentialsArguments, settings: Settings): string {
  const lifetimeSeconds = ttlSeconds ?? TOKEN_LIFETIME_SECONDS_DEFAULT
  if (lifetimeSeconds < 1 || lifetimeSeconds > LIFETIME_SECONDS_MAX) {
    throw new CommandError(
      `--ttl ${lifetimeSeconds} is no lifetime of a token: give 1 to ${LIFETIME_SECONDS_MAX} seconds`,
    )
  }
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const key = keyOf(settings, kid, timestampSeconds)
  const serverName = settings.oauthServerName ?? settings.realm
  const macKey = randomBytes(TOKEN_MAC_KEY_BYTES_MIN)
  const token = sealToken({ macKey, timestampSeconds, lifetimeSeconds }, key.key, Buffer.from(serverName))
  const [encodedToken, encodedKey] = [token.toString('base64'), macKey.toString('base64')]
  if (isJson) {
    // The answer of an authorization server, as in RFC 7635 appendix B, and as coturn's turnutils_oauth prints it.
    const answer = {
      access_token: encodedToken,
      token_type: 'pop',
      expires_in: lifetimeSeconds,
      kid: key.kid,
      key: encodedKey,
    }
    return `${JSON.stringify({ ...answer, alg: 'HMAC-SHA-1' })}\n`
  }
  const until = new Date((timestampSeconds + lifetimeSeconds) * 1000).toISOString().replace('.000Z', 'Z')
  return [
    `username      ${key.kid}`,
    `mac key       ${encodedKey}`,
    `access token  ${encodedToken}`,
    `server name   ${serverName}`,
    `until         ${until}, in ${durationText(lifetimeSeconds)}`,
    '',
  ].join('\n')
}

/** Throws a CommandError. */
function keyOf({ oauthKeys, realm }: Settings, kid: string | null, nowSeconds: number): OAuthKey {
  if (oauthKeys === null) {
    throw new CommandError(
      'no key to make a token with: give the file of the server, with --oauth-keys FILE or --config FILE',
    )
  }
  let keys: readonly OAuthKey[]
  try {
    keys = loadOAuthKeys(oauthKeys, realm)
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
  // The key to come stands in the file before its time.
  const isOfNow = (each: OAuthKey) => each.notBeforeSeconds <= nowSeconds && !isExpired(each, nowSeconds)
  const key = keys.find(kid === null ? isOfNow : (each) => each.kid === kid)
  if (key !== undefined) return key
  if (kid === null) throw new CommandError(`no key of --oauth-keys ${oauthKeys} holds now: add one of today`)
  throw new CommandError(`--kid ${printable(kid)} is no key of --oauth-keys ${oauthKeys}`)
}
