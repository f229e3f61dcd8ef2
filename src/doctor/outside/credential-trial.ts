// Whether a server takes credentials: asked by an Allocate of a kind that none grants, so that nothing is left behind. Who is known is told that
// (442, and 400 by coturn), who is not is refused before.
import { randomUUID } from 'node:crypto'
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
/** 401 by the RFCs, 431 by RFC 3489 and Expressway. */
export const REFUSALS: readonly number[] = [ERROR_UNAUTHENTICATED, ERROR_INTEGRITY_CHECK_FAILURE]
/** What is looked at after the credentials (RFC 8656 §7.2): the protocol, the user's quota, the room that is left. */
const ACCEPTANCES: readonly number[] = [
  ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL,
  ERROR_ALLOCATION_QUOTA_REACHED,
  ERROR_INSUFFICIENT_CAPACITY,
]

export interface Trial {
  /** `unclear`: it was answered, by what others are answered with too. */
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
    return trial(await verdictOf(error.number, scene), error.number)
  } finally {
    await client.close()
  }
}

/** What somebody is answered whom no server knows; 0: no refusal. Rejects with a ClientError if no answer comes. */
export async function codeOfStranger(scene: OutsideScene): Promise<number> {
  const client = await scene.openClient({ username: randomUUID(), password: randomUUID() })
  try {
    await askForNothing(client)
    return 0
  } catch (error) {
    if (error instanceof StunError) return error.number
    if (error instanceof ClientError && error.code === 'wrong-integrity') return 0
    throw error
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

/** A server's own way to say that it knows somebody is what it does not say to strangers. */
async function verdictOf(code: number, scene: OutsideScene): Promise<Trial['verdict']> {
  if (ACCEPTANCES.includes(code)) return 'accepted'
  if (REFUSALS.includes(code)) return 'refused'
  return REFUSALS.includes(await scene.codeOfStranger()) ? 'accepted' : 'unclear'
}
