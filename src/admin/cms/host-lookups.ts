// Where the names of the call bridge's TURN servers lead. The system's resolver cannot be interrupted, and the whole process asks it by two threads: one
// lookup at a time is for measurements, so that what else needs a name, such as a page's upstream, never waits for a silent name server.
import { ClientError } from '../../client/client-error.js'
import { Deadline } from '../../client/deadline.js'
import { resolveHost } from '../../client/resolve-host.js'
import { CMS_ANSWER_MILLISECONDS_MAX, CMS_TURN_SERVER_COUNT_MAX } from '../../limits/cms.js'
import { hostAddress, type TransportAddress } from '../../stun/address.js'

type Addresses = readonly TransportAddress[]

export class HostLookups {
  readonly #isWanted: (host: string) => boolean
  readonly #resolve: typeof resolveHost
  /** By name: under way, or waiting for their turn. */
  readonly #underWay = new Map<string, Promise<Addresses>>()
  /** By name, for as long as nobody says something else of it. */
  readonly #found = new Map<string, Addresses>()
  #last: Promise<unknown> = Promise.resolve()

  /** @param isWanted whether some object still has this name, when its turn comes */
  constructor(isWanted: (host: string) => boolean, resolve = resolveHost) {
    this.#isWanted = isWanted
    this.#resolve = resolve
  }

  /**
   * At least one. Those who ask for a name while it is looked up get the same, and where that takes too long, what was found last.
   * Rejects with a ClientError.
   */
  async addressesOf(host: string, port: number, signal: AbortSignal): Promise<TransportAddress[]> {
    const literal = hostAddress(host, port)
    if (literal !== null) return [literal]
    const deadline = new Deadline(CMS_ANSWER_MILLISECONDS_MAX, signal)
    try {
      return withPort(await deadline.race(this.#lookUp(host), `no address of ${host}`), port)
    } catch (error) {
      const known = this.#found.get(host)
      const isLate = error instanceof ClientError && error.code === 'no-answer'
      if (!isLate || known === undefined) throw error
      return withPort(known, port)
    } finally {
      deadline.clear()
    }
  }

  #lookUp(host: string): Promise<Addresses> {
    const known = this.#underWay.get(host)
    if (known !== undefined) return known
    const lookup = this.#last.then(() => this.#ask(host)).finally(() => this.#underWay.delete(host))
    this.#last = lookup.catch(() => {})
    this.#underWay.set(host, lookup)
    return lookup
  }

  async #ask(host: string): Promise<Addresses> {
    if (!this.#isWanted(host)) throw new ClientError('aborted', 'given up')
    try {
      const addresses = await this.#resolve(host, 0)
      this.#keep(host, addresses)
      return addresses
    } catch (error) {
      this.#found.delete(host)
      throw error
    }
  }

  #keep(host: string, addresses: Addresses): void {
    this.#found.delete(host)
    this.#found.set(host, addresses)
    const [oldest] = this.#found.keys()
    if (this.#found.size > CMS_TURN_SERVER_COUNT_MAX) this.#found.delete(oldest)
  }
}

function withPort(addresses: Addresses, port: number): TransportAddress[] {
  return addresses.map((address) => {
    const own = address.clone()
    own.port = port
    return own
  })
}
