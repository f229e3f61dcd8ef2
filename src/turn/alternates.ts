// The other servers that clients may be sent to (RFC 8489 §10): which of them a client gets. What their names come to is found out elsewhere; the
// core has addresses.
import type { TransportAddress } from '../stun/address.js'
import { type FiveTuple, TRANSPORT_DTLS, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UDP } from './five-tuple.js'
import type { RandomSource } from './output.js'
import { withPort } from './relay-host.js'

const PORT_DEFAULT = 3478
const PORT_DEFAULT_SECURE = 5349

/** Plain data, but for the addresses: posted to workers. */
export interface Alternate {
  /** TRANSPORT_*: for clients over this alone, who are not sent to others then; null: for all. */
  readonly transport: number | null
  /** By what name its certificate knows it; '' if it was given as an address. */
  readonly domain: string
  /** 0: the port that the client uses here. */
  readonly port: number
  readonly weight: number
  /** Of both families, without ports; none while its name cannot be looked up. */
  readonly addresses: readonly TransportAddress[]
}

/** What a client is told. */
export interface AlternatePlace {
  /** Of the client's family; then one of the other family, if there is one. */
  readonly addresses: readonly TransportAddress[]
  /** For ALTERNATE-DOMAIN; '' where the client compares no names. */
  readonly domain: string
}

export class Alternates {
  list: readonly Alternate[] = []
  readonly #localPortOf: (client: FiveTuple) => number

  /** @param localPortOf the port that a client has asked; 0 if that is not known */
  constructor(localPortOf: (client: FiveTuple) => number) {
    this.#localPortOf = localPortOf
  }

  /** Where this client is sent; null: there is no server for it. By chance and weight, so that it takes no memory and no count. */
  choose(client: FiveTuple, random: RandomSource): AlternatePlace | null {
    const { family } = client.client
    const candidates = this.#candidatesOf(client.transport).filter(({ addresses }) =>
      addresses.some((address) => address.family === family),
    )
    const alternate = drawn(candidates, random)
    if (alternate === null) return null
    const port = this.#portOf(alternate, client)
    const ofFamily = alternate.addresses.filter((address) => address.family === family)
    const ofOther = alternate.addresses.find((address) => address.family !== family)
    const first = ofFamily.length === 1 ? ofFamily[0] : ofFamily[random.nextUint32() % ofFamily.length]
    const chosen = ofOther === undefined ? [first] : [first, ofOther]
    return {
      addresses: chosen.map((address) => withPort(address, port)),
      domain: isSecure(client.transport) ? alternate.domain : '',
    }
  }

  #candidatesOf(transport: number): readonly Alternate[] {
    const own = this.list.filter((alternate) => alternate.transport === transport)
    return own.length > 0 ? own : this.list.filter((alternate) => alternate.transport === null)
  }

  /** A port without a scheme is the one of UDP and TCP: TLS is elsewhere, most likely where it is here. */
  #portOf({ port, transport }: Alternate, client: FiveTuple): number {
    const isMeant = transport !== null || client.transport === TRANSPORT_UDP || client.transport === TRANSPORT_TCP
    if (port !== 0 && isMeant) return port
    return this.#localPortOf(client) || (isSecure(client.transport) ? PORT_DEFAULT_SECURE : PORT_DEFAULT)
  }
}

function isSecure(transport: number): boolean {
  return transport === TRANSPORT_TLS || transport === TRANSPORT_DTLS
}

function drawn(candidates: readonly Alternate[], random: RandomSource): Alternate | null {
  if (candidates.length <= 1) return candidates[0] ?? null
  let share = random.nextUint32() % candidates.reduce((sum, { weight }) => sum + weight, 0)
  for (const candidate of candidates) {
    if (share < candidate.weight) return candidate
    share -= candidate.weight
  }
  // The shares are those of all candidates together.
  throw new Error('a share that is no alternate’s')
}
