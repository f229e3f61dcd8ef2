// One walk through the DNS: what was asked and what was found, in order, within the bounds of a walk. The ways themselves are in turn-resolution.ts,
// stun-resolution.ts and server-discovery.ts.
import {
  DISCOVERY_CANDIDATE_COUNT_MAX,
  DISCOVERY_QUERY_COUNT_MAX,
  DISCOVERY_RECORD_COUNT_MAX,
  DISCOVERY_SILENCE_COUNT_MAX,
} from '../../limits/clients.js'
import type { TransportKind } from '../turn-uri.js'
import type {
  DnsAnswer,
  DnsSource,
  NaptrRecord,
  QueryOutcome,
  RecordsByType,
  RecordType,
  SrvRecord,
} from './dns-source.js'
import { sortNaptr } from './relay-naptr.js'

/** A transport address that a client would try. */
export interface Candidate {
  readonly transport: TransportKind
  /** IP address as text. */
  readonly address: string
  readonly port: number
  /** Whose address it is: a name, or the address itself. */
  readonly host: string
  /** The name that the certificate has to cover (RFC 5928 §5): where the walk began. null without TLS. */
  readonly serverName: string | null
  /** Of the SRV record; null without one. */
  readonly priority: number | null
  readonly weight: number | null
}

/** A question and its answer, or a sentence of why the walk goes on as it does. */
export type WalkStep =
  | {
      readonly kind: 'query'
      readonly type: RecordType
      readonly name: string
      readonly outcome: QueryOutcome
      /** As in a zone. */
      readonly records: readonly string[]
      /** Records that were not looked at. */
      readonly cutCount: number
    }
  | { readonly kind: 'note'; readonly text: string; readonly isFault: boolean }

export interface WalkOptions {
  /** Addresses of these families, in this order. */
  readonly families: readonly (4 | 6)[]
  /** As Math.random: of equal SRV records chance chooses. */
  readonly random: () => number
}

export class Walk {
  readonly steps: WalkStep[] = []
  readonly options: WalkOptions
  readonly #source: DnsSource
  readonly #answers = new Map<string, Promise<DnsAnswer<RecordType>>>()
  readonly #faults = new Set<string>()
  #isOver = false
  /** Questions without an answer; as soon as there is one, not counted any more. */
  #silentCount = 0
  #isAnswered = false

  constructor(source: DnsSource, options: WalkOptions) {
    this.#source = source
    this.options = options
  }

  /** The same question is asked once; it is a step once, too. */
  async ask<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    const key = `${type} ${name.toLowerCase().replace(/\.$/, '')}`
    const known = this.#answers.get(key) as Promise<DnsAnswer<Type>> | undefined
    if (known !== undefined) return known
    if (this.#answers.size >= DISCOVERY_QUERY_COUNT_MAX) {
      return this.#giveUp(`the records lead on and on: given up after ${DISCOVERY_QUERY_COUNT_MAX} questions`)
    }
    if (!this.#isAnswered && this.#silentCount >= DISCOVERY_SILENCE_COUNT_MAX) {
      return this.#giveUp(`after ${DISCOVERY_SILENCE_COUNT_MAX} questions without an answer no more are asked`)
    }
    const asked = this.#askSource(type, name)
    this.#answers.set(key, asked)
    return asked
  }

  /** Of both families; the steps stand in the order of the families. */
  async addresses(name: string): Promise<string[]> {
    const answers: string[] = []
    for (const family of this.options.families) {
      const { records } = await this.ask(family === 4 ? 'A' : 'AAAA', name)
      answers.push(...records)
    }
    return answers
  }

  /** Why the walk goes on as it does. */
  note(text: string): void {
    this.steps.push({ kind: 'note', text, isFault: false })
  }

  /** The same, of something that is wrong with the records; once, however many of them lead there. */
  fault(text: string): void {
    if (this.#faults.has(text)) return
    this.#faults.add(text)
    this.steps.push({ kind: 'note', text, isFault: true })
  }

  async #askSource<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    const { outcome, records } = await this.#source.ask(type, name)
    if (outcome === 'timeout' || outcome === 'unreachable') this.#silentCount++
    else if (outcome !== 'given-up') this.#isAnswered = true
    const seen = inOrder(type, records).slice(0, DISCOVERY_RECORD_COUNT_MAX)
    const texts = seen.map((record) => recordText(type, record))
    this.steps.push({ kind: 'query', type, name, outcome, records: texts, cutCount: records.length - seen.length })
    return { outcome, records: seen }
  }

  #giveUp(why: string): DnsAnswer<never> {
    if (!this.#isOver) this.fault(why)
    this.#isOver = true
    return { outcome: 'given-up', records: [] }
  }
}

/** One after the other: what is asked first is shown first. What comes of it is as `distinct` has it, so that it stays small on the way. */
export async function each<Item>(
  items: readonly Item[],
  find: (item: Item) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  let found: Candidate[] = []
  for (const item of items) found = distinct([...found, ...(await find(item))])
  return found
}

/** Each once, where it stands first, and no more than a client would try. */
export function distinct(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>()
  const first = candidates.filter(({ address, port, transport }) => {
    const key = `${transport} ${address} ${port}`
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
  return first.slice(0, DISCOVERY_CANDIDATE_COUNT_MAX)
}

/** As they rank: DNS servers turn them round with each answer. */
function inOrder<Type extends RecordType>(
  type: Type,
  records: readonly RecordsByType[Type][],
): readonly RecordsByType[Type][] {
  if (type === 'NAPTR') return sortNaptr(records as readonly NaptrRecord[]) as RecordsByType[Type][]
  if (type !== 'SRV') return records
  return [...(records as readonly SrvRecord[])].sort((a, b) => a.priority - b.priority) as RecordsByType[Type][]
}

/** The data of a record as a zone has it. */
function recordText<Type extends RecordType>(type: Type, record: RecordsByType[Type]): string {
  if (type === 'NAPTR') {
    const { flags, order, preference, regexp, replacement, service } = record as NaptrRecord
    return `${order} ${preference} "${flags}" "${service}" "${regexp}" ${absolute(replacement)}`
  }
  if (type === 'SRV') {
    const { name, port, priority, weight } = record as SrvRecord
    return `${priority} ${weight} ${port} ${absolute(name)}`
  }
  return type === 'PTR' ? absolute(String(record)) : String(record)
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}
