// Name and password: the server takes them, and gives an allocation for them. Servers do not tell a wrong name from a wrong password; the server's
// options do, if they were given.

import { allocate } from '../../client/allocate.js'
import type { ClientCredentials } from '../../client/client-credentials.js'
import { StunError } from '../../client/client-error.js'
import {
  ERROR_ALLOCATION_QUOTA_REACHED,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_UNAUTHENTICATED,
} from '../../stun/constants.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import { durationText } from '../durations.js'
import { REFUSALS, tryCredentials } from './credential-trial.js'
import { type KnownUser, knownUser } from './known-user.js'
import type { OutsideScene } from './scene.js'

export interface CredentialFacts {
  readonly username: string
  /** The server's; '' if it has told none. */
  readonly realm: string
  /** The refusal of the credentials; 0: they were taken. */
  readonly refusalCode: number
  /** What the Allocate that followed was answered with; 0: an allocation. */
  readonly allocateCode: number
  /** What the server's options say of the name and the password. */
  readonly known: KnownUser
  readonly nowSeconds: number
}

export function judgeCredentials(facts: CredentialFacts): Judgement {
  const { allocateCode, refusalCode, username } = facts
  if (refusalCode !== 0) return judgeRefusal(facts)
  if (allocateCode === 0) return well(`the server gives "${username}" an allocation`)
  if (allocateCode === ERROR_ALLOCATION_QUOTA_REACHED || allocateCode === ERROR_INSUFFICIENT_CAPACITY) {
    const isQuota = allocateCode === ERROR_ALLOCATION_QUOTA_REACHED
    return fault(
      isQuota ? `the quota of "${username}" is used up` : 'the server is full',
      `the server knows "${username}", and gives no allocation (${allocateCode})`,
      isQuota
        ? 'Raise --user-quota, or find out who uses that name'
        : 'Raise --max-allocations and widen --min-port and --max-port, or add a server',
    )
  }
  return fault(
    `the server gives no allocation (${allocateCode})`,
    `the server does not refuse "${username}" for its password, and answers Allocate with ${allocateCode}`,
    'Ask turnd why on the server',
  )
}

function judgeRefusal({ known, nowSeconds, realm, refusalCode, username }: CredentialFacts): Judgement {
  const found = `the server refuses "${username}" (${refusalCode}, realm ${realm || 'unknown'})`
  const expiry = Number(/^(\d{9,11})(?::|$)/.exec(username)?.[1] ?? Number.NaN)
  if (expiry < nowSeconds) {
    const ago = durationText(nowSeconds - expiry)
    return fault(
      'the credentials have expired',
      `${found}: they expired ${ago} ago, by this machine's clock`,
      'Get fresh ones from the service that hands them out, and look how long it makes them last',
    )
  }
  if (known === 'unknown-user') {
    return fault(
      `there is no user "${username}"`,
      `${found}: its options have no such user`,
      `Add the user (turnd user add ${username} --realm ${realm}), or mend the name`,
    )
  }
  if (known === 'right') {
    return fault(
      'the server runs with other options than these',
      `${found}, whom these options know with this password`,
      'Restart or reload it with these options, or give the doctor those that it runs with',
    )
  }
  if (known === 'wrong-password') {
    return fault(
      `the password of "${username}" is wrong`,
      `${found}: the name is known, the password is another one`,
      'Set the same password on the client and on the server',
    )
  }
  if (expiry >= nowSeconds) {
    const rest = durationText(expiry - nowSeconds)
    return fault(
      `the credentials of "${username}" are wrong, or have expired at the server`,
      `${found}: they expire in ${rest} by this machine's clock, and have expired already at a server whose clock is ahead by more; else their secret is another one`,
      "Compare the server's clock with this machine's, and its secret with that of the service that hands them out; --as-secret SECRET tells which it is",
    )
  }
  return fault(
    `the user name or the password of "${username}" is wrong`,
    `${found}, and tells nobody whether it is the name or the password`,
    `Compare both with the server; turnd why --user ${username} on it tells which it is`,
  )
}

export const credentials: Check<OutsideScene> = {
  id: 'credentials',
  needs: ['rest-secret'],
  async run(scene) {
    const who = scene.credentials()
    if (who === null) return notChecked('there are no credentials: give --as NAME:PASSWORD, or --as-secret SECRET')
    const { code, realm, verdict } = await tryCredentials(scene, who)
    const common = {
      username: who.username,
      realm,
      nowSeconds: Date.now() / 1000,
      known: knownOf(scene, who),
    }
    if (verdict === 'refused')
      return judgeCredentials({ ...common, refusalCode: code || ERROR_UNAUTHENTICATED, allocateCode: 0 })
    const answered = await allocateCode(scene)
    if (REFUSALS.includes(answered)) return judgeCredentials({ ...common, refusalCode: answered, allocateCode: 0 })
    return judgeCredentials({ ...common, refusalCode: 0, allocateCode: answered })
  },
}

async function allocateCode(scene: OutsideScene): Promise<number> {
  const client = await scene.openClient(scene.credentials())
  try {
    await allocate(client)
    return 0
  } catch (error) {
    if (error instanceof StunError) return error.number
    throw error
  } finally {
    await client.close()
  }
}

function knownOf({ identity, settings }: OutsideScene, who: ClientCredentials): KnownUser {
  return identity?.kind !== 'password' || settings === null ? 'unknown' : knownUser(who, settings)
}
