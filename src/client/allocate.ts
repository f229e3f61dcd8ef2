// An allocation as the probe and the doctor want it: with a relay of the address family in which the server was reached, so that this machine can be
// its peer; else of the other one.
import { ERROR_ADDRESS_FAMILY_NOT_SUPPORTED, ERROR_UNKNOWN_ATTRIBUTE } from '../stun/constants.js'
import { StunError } from './client-error.js'
import type { Allocation, TurnClient } from './turn-client.js'

/** A server without RFC 6156 knows no families, and says 420. */
const NO_SUCH_FAMILY = [ERROR_ADDRESS_FAMILY_NOT_SUPPORTED, ERROR_UNKNOWN_ATTRIBUTE]

/** Rejects with a ClientError. */
export async function allocate(client: TurnClient): Promise<Allocation> {
  // Without a family it is IPv4: that is what older servers understand.
  const families =
    client.transport.remoteAddress.family === 6 ? [{ family: 6 } as const, {}] : [{}, { family: 6 } as const]
  try {
    return await client.allocate(families[0])
  } catch (error) {
    if (!(error instanceof StunError) || !NO_SUCH_FAMILY.includes(error.number)) throw error
    return await client.allocate(families[1])
  }
}
