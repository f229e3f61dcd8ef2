// The rules of --allow-peer: what they open to clients that nobody means to open. Loopback is among the warnings of the configuration.
import type { PeerRule } from '../../config/peer-rule.js'
import { hostAddress } from '../../stun/address.js'
import { cidrContains } from '../../stun/cidr.js'
import { type Check, type Judgement, warning, well } from '../check.js'
import type { InsideScene } from './scene.js'

/** Where clouds tell a machine its credentials. */
const METADATA = [
  ['169.254.169.254', 'the metadata service of clouds'],
  ['168.63.129.16', "Azure's virtual host"],
  ['fd00:ec2::254', 'the metadata service of clouds'],
] as const

export function judgePeerRules(allow: readonly PeerRule[], deny: readonly PeerRule[]): Judgement[] {
  const judged = METADATA.flatMap(([host, name]) => {
    const address = hostAddress(host)!
    const best = (rules: readonly PeerRule[]) =>
      rules
        .filter(({ cidr }) => cidrContains(cidr, address))
        .sort((a, b) => b.cidr.prefixLength - a.cidr.prefixLength)[0]
    const [opening, closing] = [best(allow), best(deny)]
    if (opening === undefined || (closing !== undefined && closing.cidr.prefixLength >= opening.cidr.prefixLength))
      return []
    return [
      warning(
        `--allow-peer ${opening.text} opens ${host}, ${name}: clients read credentials there`,
        `Add --deny-peer ${host}, or allow less`,
      ),
    ]
  })
  return judged.length > 0
    ? judged
    : [
        well(
          allow.length === 0
            ? 'clients reach public addresses only'
            : `clients reach public addresses and ${allow.map(({ text }) => text).join(', ')}`,
        ),
      ]
}

export const peerRules: Check<InsideScene> = {
  id: 'peer-rules',
  needs: ['configuration'],
  run: async ({ settings: { allowPeer, denyPeer } }) => judgePeerRules(allowPeer, denyPeer),
}
