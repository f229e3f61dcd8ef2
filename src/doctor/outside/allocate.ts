// An allocation as clients get it: with relays of the address family in which the server was reached, if it has them.
import { StunError } from '../../client/client-error.js'
import type { Allocation, TurnClient } from '../../client/turn-client.js'
import { ERROR_ADDRESS_FAMILY_NOT_SUPPORTED } from '../../stun/constants.js'

/** Rejects with a ClientError. */
export async function allocate(client: TurnClient): Promise<Allocation> {
  if (client.transport.remoteAddress.family !== 6) return client.allocate()
  try {
    return await client.allocate({ family: 6 })
  } catch (error) {
    if (error instanceof StunError && error.number === ERROR_ADDRESS_FAMILY_NOT_SUPPORTED) return client.allocate()
    throw error
  }
}
