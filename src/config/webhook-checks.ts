// Options of --auth-webhook that stand without it, or cannot matter to it. Part of cross-checks.ts.
import type { Names } from './setting-names.js'
import type { SettingKey, Settings } from './settings.js'

export function webhookWarnings(
  { authWebhook, authWebhookCa, authWebhookTokenFile }: Settings,
  names: Names,
): string[] {
  const example = (like: SettingKey) => names.name('authWebhook', like, 'https://HOST/PATH')
  const warnings: string[] = []
  if (authWebhookTokenFile !== null && authWebhook === null) {
    const why = `no web service is asked without ${example('authWebhookTokenFile')}`
    warnings.push(`${names.value('authWebhookTokenFile')} has no effect: ${why}`)
  }
  if (authWebhookCa !== null && !authWebhook?.startsWith('https:')) {
    const why = `it is for a web service over TLS, such as ${example('authWebhookCa')}`
    warnings.push(`${names.value('authWebhookCa')} has no effect: ${why}`)
  }
  return warnings
}
