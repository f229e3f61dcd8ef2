// What --alternate comes to: the addresses of other servers, looked up at the start, at a reload and once a minute, here in the main thread. The cores
// have them from here. A name that cannot be looked up keeps the addresses that it had; without any it is left out, and the others go on.
import { resolveHost } from '../client/resolve-host.js'
import type { AlternateServer } from '../config/alternate.js'
import { TurndError } from '../config/errors.js'
import type { ListenSpec } from '../config/listen-spec.js'
import type { Settings } from '../config/settings.js'
import { ALTERNATE_LOOKUP_MILLISECONDS_MAX } from '../limits/turn.js'
import { formatHost, type TransportAddress } from '../stun/address.js'
import type { Alternate } from '../turn/alternates.js'
import { TRANSPORT_NAMES, type TransportName } from '../turn/five-tuple.js'
import type { RelayHost } from '../turn/relay-host.js'
import { type OwnPlaces, ownListenerAt, ownPlaces } from './own-place.js'

/** Rejects with an error whose message is a sentence. */
export type Resolve = (host: string) => Promise<readonly TransportAddress[]>

const NOT_YET = 'its name has not been looked up yet'

const resolveName: Resolve = (host) => resolveHost(host, 0)

/** One of --alternate with what is known of it. */
interface Known {
  readonly server: AlternateServer
  addresses: readonly TransportAddress[]
  /** Why it has no addresses, or none that are new; ''. */
  problem: string
}

/** Other servers that were looked up, and are not in use yet. */
export interface PreparedAlternates {
  readonly list: readonly Alternate[]
  commit(): void
}

export class AlternateServers {
  /** The addresses are others now. */
  onChanged: (list: readonly Alternate[]) => void = () => {}
  readonly #resolve: Resolve
  readonly #relayHosts: readonly RelayHost[]
  #known: readonly Known[] = []
  #listen: readonly ListenSpec[] = []
  #isLooking = false

  constructor(relayHosts: readonly RelayHost[], resolve: Resolve = resolveName) {
    this.#relayHosts = relayHosts
    this.#resolve = resolve
  }

  get list(): readonly Alternate[] {
    return this.#known.map(alternateOf)
  }

  /** Names that cannot be looked up, each with a sentence. */
  problems(): { readonly name: string; readonly problem: string }[] {
    return this.#known.flatMap(({ problem, server }) => (problem === '' ? [] : [{ name: server.text, problem }]))
  }

  /** For people: `turn2.example.org (192.0.2.2)`. */
  described(): string[] {
    return this.#known.map(({ addresses, server }) => {
      if (!server.isName) return server.text
      return `${server.text} (${addresses.length === 0 ? 'no address' : addresses.map(formatHost).join(', ')})`
    })
  }

  /** Waits for names a while. Throws TurndError, with everything as it was, for one that is this server. */
  async prepare({ alternate, listen }: Pick<Settings, 'alternate' | 'listen'>): Promise<PreparedAlternates> {
    const known = alternate.map((server): Known => {
      const addresses = this.#known.find((before) => before.server.host === server.host)?.addresses ?? []
      return { server, addresses, problem: server.isName ? NOT_YET : '' }
    })
    await inTime(this.#lookUp(known, ownPlaces(listen, this.#relayHosts), true))
    return {
      list: known.map(alternateOf),
      commit: () => {
        this.#known = known
        this.#listen = listen
        // What came since the list was made.
        if (known.some(({ server }) => server.isName)) this.onChanged(this.list)
      },
    }
  }

  /** Looks all names up again. Never rejects. */
  async look(): Promise<void> {
    const names = this.#known.filter(({ server }) => server.isName)
    if (this.#isLooking || names.length === 0) return
    this.#isLooking = true
    try {
      await this.#lookUp(names, ownPlaces(this.#listen, this.#relayHosts), false)
    } finally {
      this.#isLooking = false
    }
  }

  async #lookUp(known: readonly Known[], places: OwnPlaces, isStrict: boolean): Promise<void> {
    await Promise.all(known.map((one) => this.#lookUpOne(one, places, isStrict)))
  }

  async #lookUpOne(one: Known, places: OwnPlaces, isStrict: boolean): Promise<void> {
    const { server } = one
    let found: readonly TransportAddress[]
    try {
      found = await this.#resolve(server.host)
    } catch (error) {
      one.problem = error instanceof Error ? error.message : String(error)
      return
    }
    // A name of several servers may be one of this server's own.
    const others = found.filter((address) => ownListenerAt(places, address, server) === null)
    if (others.length === 0) {
      const listener = ownListenerAt(places, found[0], server) ?? ''
      one.problem = `${server.host} is this server itself`
      if (isStrict) throw ownError(server, found[0], listener)
    } else one.problem = ''
    if (textOf(others) === textOf(one.addresses)) return
    one.addresses = others
    if (this.#known.includes(one)) this.onChanged(this.list)
  }
}

function ownError({ host, isName, text }: AlternateServer, address: TransportAddress, listener: string): TurndError {
  const which = isName ? `${host} is ${formatHost(address)}, and ` : ''
  return new TurndError(
    'TURND_ERR_OPTION',
    `--alternate ${text} is this server itself: ${which}clients of --listen ${listener} would come back there; name another server`,
  )
}

function alternateOf({ addresses, server }: Known): Alternate {
  const { host, isName, port, scheme, weight } = server
  const transport = scheme === 'any' ? null : TRANSPORT_NAMES.indexOf(scheme as TransportName)
  return { transport, domain: isName ? host : '', port, weight, addresses }
}

function textOf(addresses: readonly TransportAddress[]): string {
  // Resolvers turn the order, and it does not matter.
  return addresses.map(formatHost).sort().join()
}

/** What takes longer goes on; what fails later is told by the next look. */
async function inTime(looking: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ALTERNATE_LOOKUP_MILLISECONDS_MAX)
  })
  looking.catch(() => {})
  try {
    await Promise.race([looking, late])
  } finally {
    clearTimeout(timer)
  }
}
