// Does the server ask who a client is? One that does not relays for the whole Internet.
import { ClientError, StunError } from '../../client/client-error.js'
import { type Check, fault, type Judgement, well } from '../check.js'
import type { OutsideScene } from './scene.js'

export function judgeOpenRelay(isOpen: boolean): Judgement {
  if (!isOpen) return well('the server wants a user name and a password')
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
      return judgeOpenRelay(true)
    } catch (error) {
      const isRefused = error instanceof StunError || (error instanceof ClientError && error.code === 'no-credentials')
      if (!isRefused) throw error
      return judgeOpenRelay(false)
    } finally {
      await client.close()
    }
  },
}
