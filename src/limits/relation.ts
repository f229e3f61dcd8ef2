// A relation between bounds: what must hold, and why; and the record of all bounds that it is about.

import * as admin from './admin.js'
import * as captures from './captures.js'
import * as clients from './clients.js'
import * as cms from './cms.js'
import * as doctor from './doctor.js'
import * as dtls from './dtls.js'
import * as engines from './engines.js'
import * as files from './files.js'
import * as http from './http.js'
import * as messages from './messages.js'
import * as oauth from './oauth.js'
import * as outside from './outside.js'
import * as passwords from './passwords.js'
import * as redis from './redis.js'
import * as reports from './reports.js'
import * as streams from './streams.js'
import * as turn from './turn.js'
import * as webhook from './webhook.js'

export const LIMITS = {
  ...messages,
  ...turn,
  ...streams,
  ...http,
  ...dtls,
  ...engines,
  ...reports,
  ...captures,
  ...passwords,
  ...files,
  ...admin,
  ...clients,
  ...cms,
  ...redis,
  ...doctor,
  ...outside,
  ...oauth,
  ...webhook,
}

export type LimitName = keyof typeof LIMITS
export type Limits = { readonly [Name in LimitName]: number }

export interface Relation {
  /** A sentence: what holds, and why it must. */
  readonly reason: string
  /** The bounds that it is about. */
  readonly of: readonly LimitName[]
  holds(limits: Limits): boolean
}

/** `lesser` is not above `greater`. */
export function atMost(lesser: LimitName, greater: LimitName, reason: string): Relation {
  return { reason, of: [lesser, greater], holds: (limits) => limits[lesser] <= limits[greater] }
}

export function below(lesser: LimitName, greater: LimitName, reason: string): Relation {
  return { reason, of: [lesser, greater], holds: (limits) => limits[lesser] < limits[greater] }
}

export function powerOfTwo(name: LimitName): Relation {
  const reason = 'a hash or a random number is cut to it by a mask'
  return { reason, of: [name], holds: ({ [name]: value }) => value > 0 && (value & (value - 1)) === 0 }
}

export function relation(of: readonly LimitName[], reason: string, holds: (limits: Limits) => boolean): Relation {
  return { reason, of, holds }
}
