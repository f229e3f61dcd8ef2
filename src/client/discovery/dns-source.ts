// Asks DNS servers for records, and says what became of each question: a name that does not exist, a server that fails and one that is silent
// are different things to an operator. Used by walk.ts; tests put a table of records in its place.
import { Resolver } from 'node:dns/promises'
import { DISCOVERY_ANSWER_MILLISECONDS, DISCOVERY_TRY_COUNT } from '../../limits/clients.js'

/** RFC 3403 §4.1. Empty names are the root. */
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly regexp: string
  readonly replacement: string
}

/** RFC 2782. An empty name is the root: the service is not offered. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly name: string
}

export interface RecordsByType {
  NAPTR: NaptrRecord
  SRV: SrvRecord
  A: string
  AAAA: string
  PTR: string
}
export type RecordType = keyof RecordsByType

/** Everything but `found` has no records. */
export type QueryOutcome =
  | 'found'
  /** The name is there, and has none of the type. */
  | 'no-record'
  /** NXDOMAIN. */
  | 'no-name'
  /** SERVFAIL. */
  | 'server-failure'
  /** REFUSED, or the server does not know the type of question. */
  | 'refused'
  | 'timeout'
  /** Nothing listens where the DNS server should be. */
  | 'unreachable'
  /** An answer that nobody can read. */
  | 'malformed'
  /** The name cannot be asked for: too long, or an empty label. */
  | 'bad-name'
  /** The time of the whole walk is over, or its questions are used up. */
  | 'given-up'

export interface DnsAnswer<Type extends RecordType> {
  readonly outcome: QueryOutcome
  readonly records: readonly RecordsByType[Type][]
}

export interface DnsSource {
  /** Never rejects. */
  ask<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type>>
}

const OUTCOMES: Readonly<Record<string, QueryOutcome>> = {
  ENODATA: 'no-record',
  ENOTFOUND: 'no-name',
  ESERVFAIL: 'server-failure',
  EREFUSED: 'refused',
  ENOTIMP: 'refused',
  ETIMEOUT: 'timeout',
  ECONNREFUSED: 'unreachable',
  EBADRESP: 'malformed',
  EFORMERR: 'malformed',
  EBADNAME: 'bad-name',
  ECANCELLED: 'given-up',
}

export class DnsServers implements DnsSource {
  readonly #resolver = new Resolver({ timeout: DISCOVERY_ANSWER_MILLISECONDS, tries: DISCOVERY_TRY_COUNT })
  #isClosed = false

  /** @param server `ADDRESS` or `ADDRESS:PORT`, IPv6 in brackets; null: those of the system */
  constructor(server: string | null) {
    if (server !== null) this.#resolver.setServers([server])
  }

  /** As texts, in the order in which they are asked. */
  get servers(): readonly string[] {
    return this.#resolver.getServers()
  }

  async ask<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    if (this.#isClosed) return { outcome: 'given-up', records: [] }
    try {
      const records = (await this.#query(type, name)) as RecordsByType[Type][]
      return { outcome: records.length === 0 ? 'no-record' : 'found', records }
    } catch (error) {
      return { outcome: OUTCOMES[(error as NodeJS.ErrnoException).code ?? ''] ?? 'malformed', records: [] }
    }
  }

  /** Questions under way are given up, and all later ones. */
  close(): void {
    this.#isClosed = true
    this.#resolver.cancel()
  }

  #query(type: RecordType, name: string): Promise<readonly RecordsByType[RecordType][]> {
    switch (type) {
      case 'NAPTR':
        return this.#resolver.resolveNaptr(name)
      case 'SRV':
        return this.#resolver.resolveSrv(name)
      case 'A':
        return this.#resolver.resolve4(name)
      case 'AAAA':
        return this.#resolver.resolve6(name)
      case 'PTR':
        return this.#resolver.resolvePtr(name)
    }
  }
}
