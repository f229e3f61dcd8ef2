// Every attack, in the order of the table of threats.
import type { Attack } from './attack.js'
import { DATAGRAM_ATTACKS } from './attacks/datagram-attacks.js'
import { STREAM_ATTACKS } from './attacks/stream-attacks.js'

export const ATTACKS: readonly Attack[] = [...DATAGRAM_ATTACKS, ...STREAM_ATTACKS]

export function attackNamed(name: string): Attack {
  const attack = ATTACKS.find((candidate) => candidate.name === name)
  if (attack === undefined) throw new Error(`there is no attack ${name}`)
  return attack
}
