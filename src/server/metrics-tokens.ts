// Who may read /metrics from other machines: the tokens of --metrics-token and --metrics-token-file together.
import type { SettingChange } from '../admin/schema/operations.js'
import { loadSecretFile } from '../auth/secret-file.js'
import type { Settings } from '../config/settings.js'

/** Throws TurndError if the file cannot be read, or holds none. */
export function metricsTokensOf({ metricsToken, metricsTokenFile }: Settings): string[] {
  const ofFile = metricsTokenFile === null ? [] : loadSecretFile(metricsTokenFile, '--metrics-token-file')
  return [...metricsToken, ...ofFile]
}

/** What is in the same file, and is not the same as before. */
export function tokenChanges(
  from: readonly string[],
  to: readonly string[],
  { metricsTokenFile: before }: Settings,
  { metricsTokenFile: path }: Settings,
): SettingChange[] {
  if (path === null || path !== before || from.join('\n') === to.join('\n')) return []
  return [{ name: 'the file of metrics tokens', from: path, to: 'changed', effect: 'live', note: 'read again' }]
}
