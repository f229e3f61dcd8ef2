// Where relays are opened, and what clients are told of it: --relay-ip is an address of this machine, and clients outside reach --external-ip.
import { TurndError } from '../../config/errors.js'
import { resolveRelayHosts } from '../../server/relay-hosts.js'
import { type AddressScope, scopeOf } from '../address-scope.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { faultOf, warningOf } from '../two-parts.js'
import type { InsideScene } from './scene.js'

export interface RelayAddressFacts {
  readonly address: string
  /** As clients are told; the same without --external-ip. */
  readonly advertised: string
}

/** @param problem why a server has no relay address; '' if it has */
export function judgeRelayAddresses(
  facts: readonly RelayAddressFacts[],
  problem: string,
  notes: readonly string[],
): Judgement[] {
  if (problem !== '') return [faultOf(problem, 'Name an address of this machine as --relay-ip')]
  const judged = [...notes.map(warningOf), ...facts.flatMap(judgeAddress)]
  if (judged.length > 0) return judged
  return [
    well(
      `relays are opened on ${facts.map(({ address, advertised }) => (address === advertised ? address : `${address}, told to clients as ${advertised}`)).join(' and ')}`,
    ),
  ]
}

function judgeAddress({ address, advertised }: RelayAddressFacts): Judgement[] {
  const scope = scopeOf(advertised)
  if (scope === 'public') return []
  if (address !== advertised) return judgeExternal(advertised, scope)
  if (scope === 'loopback') return []
  return [
    warning(
      `clients are told ${advertised} as the relayed address, which is ${PHRASES[scope]}: who is elsewhere cannot send there`,
      `Give --external-ip PUBLIC/${address} if this machine stands behind NAT; leave it if all clients and peers are in this network`,
    ),
  ]
}

function judgeExternal(advertised: string, scope: Exclude<AddressScope, 'public'>): Judgement[] {
  if (scope === 'private') {
    return [
      warning(
        `--external-ip tells clients ${advertised}, which is ${PHRASES[scope]}: nobody on the Internet reaches it`,
        'Give the address by which clients reach this machine; leave it if all of them are in that network',
      ),
    ]
  }
  return [
    fault(
      `--external-ip ${advertised} is ${PHRASES[scope]}`,
      `--external-ip tells clients ${advertised}, which is ${PHRASES[scope]}: nobody reaches it`,
      'Give the address by which clients reach this machine as --external-ip PUBLIC/PRIVATE',
    ),
  ]
}

const PHRASES: Readonly<Record<Exclude<AddressScope, 'public'>, string>> = {
  private: 'a private address',
  loopback: 'a loopback address',
  special: 'an address that no host on the Internet has',
}

export const relayAddresses: Check<InsideScene> = {
  id: 'relay-addresses',
  needs: ['configuration'],
  async run({ settings }) {
    const notes: string[] = []
    try {
      const hosts = await resolveRelayHosts(settings, (text) => notes.push(text))
      return judgeRelayAddresses(
        hosts.map(({ address, advertised }) => ({ address: address.host, advertised: advertised.host })),
        '',
        notes,
      )
    } catch (error) {
      if (!(error instanceof TurndError)) throw error
      return judgeRelayAddresses([], error.message, [])
    }
  },
}
