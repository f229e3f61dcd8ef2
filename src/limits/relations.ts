// How the bounds relate, checked once when the server is loaded: who changes a bound learns at once what else depends on it. A pure function over a
// record of bounds, so that a test can break each of them.

import { ADMIN_RELATIONS } from './admin-relations.js'
import { CAPTURE_RELATIONS } from './capture-relations.js'
import { CLIENT_RELATIONS } from './client-relations.js'
import { CMS_RELATIONS } from './cms-relations.js'
import { DOCTOR_RELATIONS } from './doctor-relations.js'
import { ENGINE_RELATIONS, REPORT_RELATIONS } from './engine-relations.js'
import { OAUTH_RELATIONS } from './oauth-relations.js'
import { OUTSIDE_RELATIONS } from './outside-relations.js'
import { PASSWORD_RELATIONS } from './password-relations.js'
import { MESSAGE_RELATIONS, TURN_RELATIONS } from './protocol-relations.js'
import { REDIS_RELATIONS } from './redis-relations.js'
import { LIMITS, type Limits, type Relation } from './relation.js'
import { DTLS_RELATIONS, HTTP_RELATIONS, STREAM_RELATIONS } from './stream-relations.js'
import { WEBHOOK_RELATIONS } from './webhook-relations.js'

export const RELATIONS: readonly Relation[] = [
  ...MESSAGE_RELATIONS,
  ...TURN_RELATIONS,
  ...STREAM_RELATIONS,
  ...HTTP_RELATIONS,
  ...DTLS_RELATIONS,
  ...ENGINE_RELATIONS,
  ...REPORT_RELATIONS,
  ...CAPTURE_RELATIONS,
  ...ADMIN_RELATIONS,
  ...PASSWORD_RELATIONS,
  ...CLIENT_RELATIONS,
  ...CMS_RELATIONS,
  ...REDIS_RELATIONS,
  ...DOCTOR_RELATIONS,
  ...OUTSIDE_RELATIONS,
  ...WEBHOOK_RELATIONS,
  ...OAUTH_RELATIONS,
]

/** What does not hold, a sentence each. */
export function brokenRelations(limits: Limits): string[] {
  return RELATIONS.filter(({ holds }) => !holds(limits)).map(({ of, reason }) => {
    return `${of.map((name) => `${name} ${limits[name]}`).join(', ')} do not go together: ${reason}`
  })
}

/** Throws if the bounds that this program is built with contradict each other. */
export function assertRelations(): void {
  const broken = brokenRelations(LIMITS)
  if (broken.length > 0) throw new Error(broken.join('; '))
}
