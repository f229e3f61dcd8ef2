// Those who come while the attack lasts: ten a second, each from an address of its own, over every transport in turn. Each does what a
// client does first (challenge, Allocate, CreatePermission) and leaves. A thread of its own.
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import type { AbuseScheme, NewcomersResult } from './attack.js'
import { ALICE, type GroundData, HOST } from './ground.js'
import { PersistentClient } from './persistent-client.js'
import { answer } from './thread.js'

const INTERVAL_MILLISECONDS = 100
const DEADLINE_MILLISECONDS = 5_000
const FAILURE_COUNT_MAX = 5
/** DTLS's newcomers would need OpenSSL's sessions in this thread: they are what its own attacks bring. */
const SCHEMES: readonly AbuseScheme[] = ['udp', 'tcp', 'tls']

class Newcomers {
  readonly #data: GroundData
  readonly #schemes: readonly AbuseScheme[]
  readonly #milliseconds: number[] = []
  readonly #failures: string[] = []
  readonly #visits = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #count = 0
  #addressCount = 0

  constructor(data: GroundData) {
    this.#data = data
    this.#schemes = SCHEMES.filter((scheme) => data.ports[scheme] !== undefined)
  }

  begin(): void {
    this.#count = 0
    this.#milliseconds.length = 0
    this.#failures.length = 0
    this.#timer = setInterval(() => this.#come(), INTERVAL_MILLISECONDS)
    this.#come()
  }

  async end(): Promise<NewcomersResult> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await Promise.all(this.#visits)
    return {
      count: this.#count,
      served: this.#milliseconds.length,
      worstMilliseconds: Math.max(0, ...this.#milliseconds),
      failures: this.#failures.slice(0, FAILURE_COUNT_MAX),
    }
  }

  #come(): void {
    const scheme = this.#schemes[this.#count++ % this.#schemes.length]
    const visit = this.#visit(scheme).then(
      (milliseconds) => void this.#milliseconds.push(milliseconds),
      (error: Error) => void this.#failures.push(`${scheme}: ${error.message}`),
    )
    this.#visits.add(visit)
    visit.finally(() => this.#visits.delete(visit))
  }

  /** Milliseconds until it had an allocation with a permission. */
  async #visit(scheme: AbuseScheme): Promise<number> {
    const start = performance.now()
    const transport = await withDeadline(this.#connect(scheme), DEADLINE_MILLISECONDS, () => 'no connection')
    try {
      const client = new (scheme === 'udp' ? PersistentClient : TurnClient)(transport, ALICE)
      const served = withDeadline(beServed(client), DEADLINE_MILLISECONDS, () => 'not served')
      await served
      const milliseconds = performance.now() - start
      await client.refresh({ lifetimeSeconds: 0 })
      return milliseconds
    } finally {
      await transport.close()
    }
  }

  #connect(scheme: AbuseScheme): Promise<ClientTransport> {
    const address = this.#addressCount++
    const from = `127.20.${Math.floor(address / 250) % 250}.${1 + (address % 250)}`
    const port = this.#data.ports[scheme] as number
    if (scheme === 'udp') return connectUdp(HOST, port, from)
    return scheme === 'tcp' ? connectTcp(HOST, port, from) : connectTls(HOST, port, this.#data.certificate, { from })
  }
}

async function beServed(client: TurnClient): Promise<void> {
  const { code } = await client.allocate()
  if (code !== 0) throw new Error(`Allocate: ${code}`)
  const { code: permissionCode } = await client.createPermission(addressOf(HOST, 9))
  if (permissionCode !== 0) throw new Error(`CreatePermission: ${permissionCode}`)
}

let newcomers: Newcomers | null = null

answer<GroundData>({
  open: (data) => {
    newcomers = new Newcomers(data)
  },
  begin: () => newcomers?.begin(),
  end: () => newcomers?.end(),
})
