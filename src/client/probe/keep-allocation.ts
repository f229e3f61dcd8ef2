// Keeps an allocation while it is measured: a server may grant less time than a measurement takes, and its end would look like loss.
import { PROBE_REFRESH_MILLISECONDS_MAX, PROBE_REFRESH_MILLISECONDS_MIN } from '../../limits/clients.js'
import { type ClientError, StunError } from '../client-error.js'
import type { TurnClient } from '../turn-client.js'

/** Asks for as long again at half of the lifetime. Returns what stops it. @param onFault the server refuses */
export function keepAllocation(client: TurnClient, onFault: (error: ClientError) => void): () => void {
  const lifetimeSeconds = client.allocation?.lifetimeSeconds ?? 0
  const half = (lifetimeSeconds * 1000) / 2
  const timer = setInterval(
    () => {
      client.refresh(lifetimeSeconds).catch((error) => {
        // Silence on the way to the server shows in what is measured.
        if (error instanceof StunError) onFault(error)
      })
    },
    Math.min(Math.max(half, PROBE_REFRESH_MILLISECONDS_MIN), PROBE_REFRESH_MILLISECONDS_MAX),
  )
  return () => clearInterval(timer)
}
