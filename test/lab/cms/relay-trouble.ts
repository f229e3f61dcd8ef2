// Why there is no relay candidate, in the words of a call bridge's log. werift says nothing but that it got none: it takes an error that is
// not signed for no answer at all, and a server that does not have the key cannot sign. So the TURN server is asked by our own client.
import { allocate } from '../../../src/client/allocate.js'
import { StunError } from '../../../src/client/client-error.js'
import { openTransport } from '../../../src/client/transport.js'
import { TurnClient } from '../../../src/client/turn-client.js'
import {
  ERROR_INTEGRITY_CHECK_FAILURE,
  ERROR_UNAUTHENTICATED,
  ERROR_WRONG_CREDENTIALS,
} from '../../../src/stun/constants.js'
import type { CmsTurnServer } from './turn-servers.js'

/** The texts that operators grep for, behind `call N: `. */
export const UNAUTHORIZED = 'ICE failure 4 (unauthorized - check credentials)'
export const RELAY_TIMEOUT = 'ICE failure; relay candidate creation timeout'

const CREDENTIAL_ERRORS = [ERROR_UNAUTHENTICATED, ERROR_INTEGRITY_CHECK_FAILURE, ERROR_WRONG_CREDENTIALS]

export interface RelayTrouble {
  readonly text: string
  /** What the TURN server answered, or why there was no answer. */
  readonly detail: string
}

/** null if the server does give a relay to who asks it with these credentials. */
export async function findRelayTrouble(
  { password, server, username }: CmsTurnServer,
  milliseconds: number,
): Promise<RelayTrouble | null> {
  try {
    const transport = await openTransport({ ...server, transport: 'udp' }, { timeoutMilliseconds: milliseconds })
    const client = new TurnClient(transport, {
      credentials: { username, password },
      answerMilliseconds: milliseconds,
    })
    try {
      await allocate(client)
      return null
    } finally {
      await client.close()
    }
  } catch (error) {
    const isUnauthorized = error instanceof StunError && CREDENTIAL_ERRORS.includes(error.number)
    return { text: isUnauthorized ? UNAUTHORIZED : RELAY_TIMEOUT, detail: (error as Error).message }
  }
}
