// What the options of --auth-webhook come to, with the content of their files; and whether it is still the same after a reload.
import { loadSecretFile } from '../auth/secret-file.js'
import { readAuthorities } from '../config/authorities.js'
import { TurndError } from '../config/errors.js'
import { printablePath } from '../config/printable.js'
import type { Settings } from '../config/settings.js'
import { programVersion } from '../config/version.js'
import { WEBHOOK_TOKEN_LENGTH_MAX } from '../limits/webhook.js'

export interface WebhookOptions {
  readonly url: string
  /** Sent as a bearer token; null: none. */
  readonly token: string | null
  /** Where it is from, for errors. */
  readonly tokenFile: string | null
  /** PEM text of the authorities; null: the well-known ones. */
  readonly ca: string | null
  /** The name of this server, for services that serve several; null: it has none. */
  readonly server: string | null
  readonly userAgent: string
}

const TOKEN_OPTION = '--auth-webhook-token-file'

/** null without --auth-webhook. Throws TurndError for a file that cannot be used. */
export function webhookOptionsOf(settings: Settings): WebhookOptions | null {
  const { authWebhook: url, authWebhookCa, authWebhookTokenFile: tokenFile, publicName } = settings
  if (url === null) return null
  return {
    ...{ url, tokenFile },
    token: tokenFile === null ? null : loadToken(tokenFile),
    ca: authWebhookCa === null ? null : readAuthorities(authWebhookCa, '--auth-webhook-ca'),
    server: publicName[0] ?? null,
    userAgent: `turnd/${programVersion()}`,
  }
}

/** One token, of characters that a header can have. */
function loadToken(path: string): string {
  const [token, another] = loadSecretFile(path, TOKEN_OPTION)
  const fail = (reason: string) => {
    throw new TurndError('TURND_ERR_SECRET_FILE', `${TOKEN_OPTION} ${printablePath(path)} ${reason}`)
  }
  if (another !== undefined) fail('holds several tokens, and one is sent: leave the others out')
  if (!/^[!-~]+$/.test(token)) fail('holds a token with a space or a character that no header can have')
  if (token.length > WEBHOOK_TOKEN_LENGTH_MAX) fail(`holds a token of more than ${WEBHOOK_TOKEN_LENGTH_MAX} characters`)
  return token
}
