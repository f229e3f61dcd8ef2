// Whether a server takes credentials: asked by an Allocate of a kind that none grants, so that nothing is left behind. Who is known is told that
// (442), who is not is refused before.
import type { ClientCredentials } from '../../client/client-credentials.js'
import { ClientError, StunError } from '../../client/client-error.js'
import { ATTRIBUTE_REQUESTED_TRANSPORT, METHOD_ALLOCATE } from '../../stun/constants.js'
import type { OutsideScene } from './scene.js'

/** IANA keeps it for experiments (RFC 3692); no server relays it. */
const EXPERIMENTAL_PROTOCOL = 253
/** 401 by the RFCs, 431 by RFC 3489 and Expressway; 403 by some that mean the same. */
const REFUSALS = [401, 431]

export interface Trial {
  readonly isAccepted: boolean
  /** Of the refusal; 0 if there was none. */
  readonly code: number
  readonly realm: string
}

/** Rejects with a ClientError if no answer comes. */
export async function tryCredentials(scene: OutsideScene, credentials: ClientCredentials): Promise<Trial> {
  const client = await scene.openClient(credentials)
  try {
    await client.request(METHOD_ALLOCATE, (writer) =>
      writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, EXPERIMENTAL_PROTOCOL << 24),
    )
    return { isAccepted: true, code: 0, realm: client.server.realm }
  } catch (error) {
    // Made with another key than ours.
    if (error instanceof ClientError && error.code === 'wrong-integrity')
      return { isAccepted: false, code: 0, realm: client.server.realm }
    if (!(error instanceof StunError)) throw error
    return { isAccepted: !REFUSALS.includes(error.number), code: error.number, realm: client.server.realm }
  } finally {
    await client.close()
  }
}
