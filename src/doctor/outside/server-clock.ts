// The server's clock, seen twice: by the times of TURN REST credentials that it takes, and by the Date of its HTTP answers where it shares a port with
// a web server.
import { restCredentials } from '../../client/client-credentials.js'
import { httpDateOffsetSeconds } from '../../client/http-date.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { durationText } from '../durations.js'
import { tryCredentials } from './credential-trial.js'
import { findThreshold } from './find-threshold.js'
import { FARTHEST_SECONDS, REST_NAME } from './rest-secret.js'
import type { OutsideScene } from './scene.js'

/** Credentials are handed out for an hour to a day: what is less is nobody's trouble. */
const TOLERANCE_SECONDS = 60
/** From here on it is the trouble of those whom the shortest are given. */
const FAULT_SECONDS = 3600
/** And from here on everybody's. */
const LIFETIME_SECONDS_MAX = 86_400
/** Of what was found with few questions. */
const RELATIVE_ERROR = 0.05

export interface ServerClockFacts {
  /** Ahead of this machine's by the credentials that it takes; -Infinity: it takes those of any time; null: not known. */
  readonly byCredentials: number | null
  /** By the Date of an HTTP answer; null: there is none. */
  readonly byDate: number | null
}

export function judgeServerClock({ byCredentials, byDate }: ServerClockFacts): Judgement[] {
  if (byCredentials === Number.NEGATIVE_INFINITY) {
    const endless = warning(
      'the server takes TURN REST credentials long after their time: whoever has had some once may use it for ever',
      'Let the server look at the time in the name (coturn: use-auth-secret without no-auth; turnd always does)',
    )
    return [endless, ...judgeServerClock({ byCredentials: null, byDate })]
  }
  const ahead = byCredentials ?? byDate
  if (ahead === null) return []
  const size = Math.abs(ahead)
  if (size <= TOLERANCE_SECONDS) return [well("the server's clock agrees with this machine's to a minute")]
  const isAhead = ahead > 0
  const way = isAhead ? 'ahead of' : 'behind'
  const text = `the server's clock is about ${durationText(size)} ${way} this machine's${sourceOf(byCredentials, byDate)}: ${effectOf(ahead)}`
  const remedy =
    "Set the server's clock (timedatectl set-ntp true there, or chrony); if that one is right, set this machine's"
  // A web server behind it may be another machine.
  if (size < FAULT_SECONDS || byCredentials === null) return [warning(text, remedy)]
  return [fault(`the server's clock is about ${durationText(size)} ${isAhead ? 'ahead' : 'behind'}`, text, remedy)]
}

function effectOf(ahead: number): string {
  if (ahead < 0) return 'TURN REST credentials live on there after their time'
  if (ahead > LIFETIME_SECONDS_MAX) return 'fresh TURN REST credentials have expired there'
  const duration = durationText(ahead)
  return `fresh TURN REST credentials that are handed out for less than ${duration} have expired there, and others last ${duration} less`
}

function sourceOf(byCredentials: number | null, byDate: number | null): string {
  if (byCredentials === null) return ', by the Date of its HTTP answers'
  if (byDate === null) return ''
  const isSame = Math.abs(byDate - byCredentials) <= Math.max(2 * TOLERANCE_SECONDS, Math.abs(byDate) * RELATIVE_ERROR)
  return isSame ? ', and the Date of its HTTP answers says so too' : ', though not by the Date of its HTTP answers'
}

export const serverClock: Check<OutsideScene> = {
  id: 'server-clock',
  needs: ['rest-secret'],
  async run(scene) {
    const [byCredentials, byDate] = await Promise.all([askByCredentials(scene), askByDate(scene)])
    return judgeServerClock({ byCredentials, byDate })
  },
}

async function askByCredentials(scene: OutsideScene): Promise<number | null> {
  const { identity } = scene
  if (identity?.kind !== 'secret') return null
  let isClear = true
  const isTaken = async (aheadSeconds: number) => {
    const expirySeconds = Date.now() / 1000 + aheadSeconds
    const { verdict } = await tryCredentials(scene, restCredentials(identity.secret, REST_NAME, expirySeconds))
    if (verdict === 'unclear') isClear = false
    return verdict === 'accepted'
  }
  const ahead = await findThreshold(isTaken, TOLERANCE_SECONDS, FARTHEST_SECONDS)
  return isClear ? ahead : null
}

async function askByDate(scene: OutsideScene): Promise<number | null> {
  const tls = (await scene.survey()).find(({ outcome, way }) => way.transport === 'tls' && outcome === 'answers')
  return tls === undefined ? null : httpDateOffsetSeconds(scene.host, tls.way.port, scene.patienceMs)
}
