// The secret of TURN REST credentials. A server takes a name until the time in it: where it takes none of any time, the secret is another one.
import { restCredentials } from '../../client/client-credentials.js'
import { type Check, fault, type Judgement, well } from '../check.js'
import { type Trial, tryCredentials } from './credential-trial.js'
import type { OutsideScene } from './scene.js'

export const REST_NAME = 'turnd-doctor'
/** No clock is that wrong, and the time still fits where servers keep it. */
export const FARTHEST_SECONDS = 10 * 365 * 86_400

export function judgeRestSecret({ code, verdict }: Trial): Judgement[] {
  if (verdict === 'accepted') return [well('the server takes credentials that are made with this secret')]
  // An allocation shows it then.
  if (verdict === 'unclear') return []
  return [
    fault(
      'the TURN REST secret is another one at the server',
      `the server refuses credentials of this secret whatever their expiry time (${code}): its secret is another one, or it has none, or it takes no names of ten years (--auth-secret-lifetime-max)`,
      'Give the server (--auth-secret, --auth-secret-file) and the service that hands out credentials the same secret, without spaces or line ends',
    ),
  ]
}

export const restSecret: Check<OutsideScene> = {
  id: 'rest-secret',
  needs: ['reachable'],
  async run(scene) {
    const { identity } = scene
    if (identity?.kind !== 'secret') return []
    const farthest = restCredentials(identity.secret, REST_NAME, Date.now() / 1000 + FARTHEST_SECONDS)
    return judgeRestSecret(await tryCredentials(scene, farthest))
  },
}
