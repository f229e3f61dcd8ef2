// Whether a server takes credentials: asked by an Allocate of a kind that none grants, so that nothing is left behind. Who is known is told that
// (442), who is not is refused before.
import type { ClientCredentials } from '../../client/client-credentials.js'
import { ClientError, StunError } from '../../client/client-error.js'
import type { TurnClient } from '../../client/turn-client.js'
import {
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ERROR_ALLOCATION_QUOTA_REACHED,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_INTEGRITY_CHECK_FAILURE,
  ERROR_UNAUTHENTICATED,
  ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL,
  METHOD_ALLOCATE,
} from '../../stun/constants.js'
import type { OutsideScene } from './scene.js'

/** IANA keeps it for experiments (RFC 3692); no server relays it. */
const EXPERIMENTAL_PROTOCOL = 253
/** 401 by the RFCs, 431 by RFC 3489 and Expressway. Whoever is known may be forbidden the relay (403), or get a nonce that is stale at once (438). */
export const REFUSALS: readonly number[] = [ERROR_UNAUTHENTICATED, ERROR_INTEGRITY_CHECK_FAILURE]
/** What is looked at after the credentials (RFC 8656 §7.2): the protocol, the user's quota, the room that is left. */
const ACCEPTANCES: readonly number[] = [
  ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL,
  ERROR_ALLOCATION_QUOTA_REACHED,
  ERROR_INSUFFICIENT_CAPACITY,
]

export interface Trial {
  /** `unclear`: it was answered, by neither yes nor no. */
  readonly verdict: 'accepted' | 'refused' | 'unclear'
  /** Of the error; 0 if there was none. */
  readonly code: number
  readonly realm: string
}

/** Rejects with a ClientError if no answer comes. */
export async function tryCredentials(scene: OutsideScene, credentials: ClientCredentials): Promise<Trial> {
  const client = await scene.openClient(credentials)
  const trial = (verdict: Trial['verdict'], code = 0) => ({ verdict, code, realm: client.server.realm })
  try {
    await askForNothing(client)
    return trial('accepted')
  } catch (error) {
    // Made with another key than ours.
    if (error instanceof ClientError && error.code === 'wrong-integrity') return trial('refused')
    if (!(error instanceof StunError)) throw error
    return trial(verdictOf(error.number), error.number)
  } finally {
    await client.close()
  }
}

/** An Allocate that every server of TURN answers, and none grants. Rejects with a ClientError. */
export function askForNothing(client: TurnClient): Promise<unknown> {
  return client.request(METHOD_ALLOCATE, (writer) =>
    writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, EXPERIMENTAL_PROTOCOL << 24),
  )
}

function verdictOf(code: number): Trial['verdict'] {
  if (ACCEPTANCES.includes(code)) return 'accepted'
  return REFUSALS.includes(code) ? 'refused' : 'unclear'
}
