// Whom tokens let in to the admin plane without a login: those of --metrics-token and --metrics-token-file to /metrics, those of
// --credentials-token and --credentials-token-file to have credentials issued. Neither opens anything else.
import type { SettingChange } from '../admin/schema/operations.js'
import { loadSecretFile } from '../auth/secret-file.js'
import type { Settings } from '../config/settings.js'

export interface AdminTokens {
  readonly metrics: readonly string[]
  readonly credentials: readonly string[]
}

/** Throws TurndError if a file cannot be read, or holds none. */
export function adminTokensOf(settings: Settings): AdminTokens {
  const { credentialsToken, credentialsTokenFile, metricsToken, metricsTokenFile } = settings
  return {
    metrics: [...metricsToken, ...ofFile(metricsTokenFile, '--metrics-token-file')],
    credentials: [...credentialsToken, ...ofFile(credentialsTokenFile, '--credentials-token-file')],
  }
}

function ofFile(path: string | null, option: string): readonly string[] {
  return path === null ? [] : loadSecretFile(path, option)
}

/** What is in the same files, and is not the same as before. */
export function tokenChanges(from: AdminTokens, to: AdminTokens, before: Settings, after: Settings): SettingChange[] {
  const changed = (
    name: string,
    path: string | null,
    was: string | null,
    one: readonly string[],
    other: readonly string[],
  ) =>
    path === null || path !== was || one.join('\n') === other.join('\n')
      ? []
      : [{ name, from: path, to: 'changed', effect: 'live' as const, note: 'read again' }]
  return [
    ...changed('the file of metrics tokens', after.metricsTokenFile, before.metricsTokenFile, from.metrics, to.metrics),
    ...changed(
      ...(['the file of credentials tokens', after.credentialsTokenFile, before.credentialsTokenFile] as const),
      ...([from.credentials, to.credentials] as const),
    ),
  ]
}
