// The user stores outside this process that the settings name, each loaded only where it is wanted, in the order in which they are asked.
import type { OutsideStore } from '../auth/outside-store.js'
import type { Settings } from '../config/settings.js'

/** What the stores are made of: where it is the same, they stay. Has secrets. */
export function outsideStoresKey(_settings: Settings): string {
  return JSON.stringify([])
}

/** Throws TurndError for what is the operator's to mend; a store that is down is no error. */
export async function openOutsideStores(_settings: Settings, _warn: (text: string) => void): Promise<OutsideStore[]> {
  return []
}
