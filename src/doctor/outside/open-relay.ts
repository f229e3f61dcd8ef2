// Does the server ask who a client is? One that does not relays for the whole Internet.
import { ClientError, StunError } from '../../client/client-error.js'
import { ERROR_INTEGRITY_CHECK_FAILURE, ERROR_STALE_NONCE, ERROR_UNAUTHENTICATED } from '../../stun/constants.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import type { OutsideScene } from './scene.js'

/** 401 asks for credentials, and 438 for a newer nonce of theirs (RFC 8489 §9.2.4); 431 is Expressway's 401. */
const WANTS_CREDENTIALS: readonly number[] = [ERROR_UNAUTHENTICATED, ERROR_STALE_NONCE, ERROR_INTEGRITY_CHECK_FAILURE]

/** @param error what an Allocate without credentials was refused with; null: it was granted */
export function judgeOpenRelay(error: ClientError | null): Judgement {
  if (error !== null) {
    const isAsked = error instanceof StunError && WANTS_CREDENTIALS.includes(error.number)
    if (isAsked || error.code === 'no-credentials') return well('the server wants a user name and a password')
    return notChecked(`${error.message}, and does not say whether it wants a user name`)
  }
  return fault(
    'the server is an open relay',
    'the server gives an allocation without credentials: whoever finds it hides behind its address',
    'Switch authentication on (coturn: lt-cred-mech; turnd always has it)',
  )
}

export const openRelay: Check<OutsideScene> = {
  id: 'open-relay',
  needs: ['reachable'],
  async run(scene) {
    const client = await scene.openClient(null)
    try {
      await client.allocate()
      return judgeOpenRelay(null)
    } catch (error) {
      const isRefused = error instanceof StunError || (error instanceof ClientError && error.code === 'no-credentials')
      if (!isRefused) throw error
      return judgeOpenRelay(error)
    } finally {
      await client.close()
    }
  },
}
