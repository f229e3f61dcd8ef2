// Who may read /metrics from other machines: the tokens of --metrics-token and --metrics-token-file together.
import { loadSecretFile } from '../auth/secret-file.js'
import type { Settings } from '../config/settings.js'

/** Throws TurndError if the file cannot be read, or holds none. */
export function metricsTokensOf({ metricsToken, metricsTokenFile }: Settings): string[] {
  const ofFile = metricsTokenFile === null ? [] : loadSecretFile(metricsTokenFile, '--metrics-token-file')
  return [...metricsToken, ...ofFile]
}
