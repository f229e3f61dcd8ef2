// The user stores outside this process that the settings name, each loaded only where it is wanted, in the order in which they are asked.
import type { OutsideStore } from '../auth/outside-store.js'
import type { Settings } from '../config/settings.js'
import { webhookOptionsOf } from '../stores/webhook-options.js'

/** What the stores are made of: where it is the same, they stay. Has secrets. Throws TurndError. */
export function outsideStoresKey(settings: Settings): string {
  return JSON.stringify([webhookOptionsOf(settings)])
}

/** Throws TurndError for what is the operator's to mend; a store that is down is no error. */
export async function openOutsideStores(settings: Settings, _warn: (text: string) => void): Promise<OutsideStore[]> {
  const stores: OutsideStore[] = []
  const webhook = webhookOptionsOf(settings)
  if (webhook !== null) stores.push(new (await import('../stores/webhook.js')).WebhookStore(webhook))
  return stores
}
