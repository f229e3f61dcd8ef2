// The secret of TURN REST credentials, and the clock that they are judged by. A server takes a name until the time in it: which times it takes
// shows both. Nothing but the secret can be wrong where none is taken.
import { restCredentials } from '../../client/client-credentials.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { durationText } from '../durations.js'
import { CLOCK_FAULT_SECONDS } from '../inside/clock.js'
import { tryCredentials } from './credential-trial.js'
import { findThreshold } from './find-threshold.js'
import type { OutsideScene } from './scene.js'

const NAME = 'turnd-doctor'
/** No clock is that wrong, and the number still fits where servers keep it: the year 2036. */
const FARTHEST_SECONDS = 10 * 365 * 86_400
/** Credentials are handed out for hours: what is less is nobody's trouble. */
const TOLERANCE_SECONDS = 60

export function judgeRestSecret(isTaken: boolean, code: number): Judgement {
  if (isTaken) return well('the server takes credentials that are made with this secret')
  return fault(
    'the TURN REST secret is another one at the server',
    `the server refuses credentials of this secret whatever their expiry time (${code}): its secret is another one`,
    'Give the server (--auth-secret, --auth-secret-file) and the service that hands out credentials the same secret, without spaces or line ends',
  )
}

export const restSecret: Check<OutsideScene> = {
  id: 'rest-secret',
  needs: ['reachable'],
  async run(scene) {
    const { identity } = scene
    if (identity?.kind !== 'secret') return []
    const { code, isAccepted } = await tryCredentials(
      scene,
      restCredentials(identity.secret, NAME, nowSeconds() + FARTHEST_SECONDS),
    )
    return judgeRestSecret(isAccepted, code)
  },
}

/** @param aheadSeconds of this machine's clock */
export function judgeServerClock(aheadSeconds: number): Judgement {
  const size = Math.abs(aheadSeconds)
  if (size <= TOLERANCE_SECONDS) return well("the server's clock agrees with this machine's to a minute")
  const isAhead = aheadSeconds > 0
  const way = isAhead ? 'ahead of' : 'behind'
  const effect = isAhead ? 'it takes fresh credentials for expired ones' : 'it takes expired credentials for good ones'
  const text = `the server's clock is about ${durationText(size)} ${way} this machine's: ${effect}`
  const remedy = `Set the server's clock (timedatectl set-ntp true there, or chrony)${' '}and restart nothing: it counts at once; if that clock is right, set this machine's`
  if (size < CLOCK_FAULT_SECONDS) return warning(text, remedy)
  return fault(`the server's clock is about ${durationText(size)} ${isAhead ? 'ahead' : 'behind'}`, text, remedy)
}

export const serverClock: Check<OutsideScene> = {
  id: 'server-clock',
  needs: ['rest-secret'],
  async run(scene) {
    const { identity } = scene
    if (identity?.kind !== 'secret') return []
    const isTaken = async (aheadSeconds: number) =>
      (await tryCredentials(scene, restCredentials(identity.secret, NAME, nowSeconds() + aheadSeconds))).isAccepted
    return judgeServerClock(await findThreshold(isTaken, TOLERANCE_SECONDS, FARTHEST_SECONDS))
  },
}

function nowSeconds(): number {
  return Date.now() / 1000
}
