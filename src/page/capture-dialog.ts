// Asks how long and how much to record, and starts the capture.
import { html } from 'lit-html'
import type { Host } from './host.js'

const SECONDS_DEFAULT = 60
const SECONDS_MAX = 600
const MEGABYTES_DEFAULT = 16
/** The server takes 64 MiB. */
const MEGABYTES_MAX = 67

export interface CaptureTarget {
  /** The id of a client. */
  readonly client: string
  readonly words: string
  /** One of its relays; '': the client, with both of its sides. */
  readonly relay: string
}

/** Resolves with true when it was started. */
export async function askCapture(host: Host, { client, relay, words }: CaptureTarget): Promise<boolean> {
  const what =
    relay === ''
      ? html`Everything between server and client <strong>${words}</strong>, and its peers.`
      : html`What relay <strong>${relay}</strong> and its peers send to each other.`
  const data = await host.dialogs.ask({
    title: relay === '' ? 'Capture this client' : 'Capture this relay',
    body: html`<p>${what} The file is pcapng, for Wireshark.</p>
      <label class="field">For at most (seconds)<input name="seconds" type="number" required min="1" max=${SECONDS_MAX}
        .value=${String(SECONDS_DEFAULT)} autofocus /></label>
      <label class="field">Up to (MB)<input name="megabytes" type="number" required min="1" max=${MEGABYTES_MAX}
        .value=${String(MEGABYTES_DEFAULT)} /></label>`,
    action: 'Start',
  })
  if (data === null) return false
  const bounds = { seconds: Number(data.get('seconds')), bytes: Number(data.get('megabytes')) * 1_000_000 }
  try {
    const { target } = await host.api.startCapture(relay === '' ? { client, ...bounds } : { relay, ...bounds })
    host.announce(`Recording ${target}.`)
    return true
  } catch (error) {
    host.report(error)
    return false
  }
}
