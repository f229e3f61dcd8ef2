// Probes one transport of one server: connection, Binding, allocation, a way through the relay, and what gets through it. Called by `turnd probe`,
// one target after another, so that no measurement disturbs another one.
import { formatHost, parseTransportAddress, type TransportAddress } from '../../stun/address.js'
import { ERROR_TRY_ALTERNATE } from '../../stun/constants.js'
import { allocate } from '../allocate.js'
import type { ClientCredentials } from '../client-credentials.js'
import { ClientError, StunError } from '../client-error.js'
import type { PeerSecurity } from '../peer-security.js'
import { type ClientTransport, openTransport } from '../transport.js'
import { type BindingResult, TurnClient } from '../turn-client.js'
import { measureRoundTrips, measureThroughput, type RoundTrips, type Throughput } from './measure.js'
import type { ProbeTarget } from './probe-plan.js'
import { findReach, openRelayPath, type PathKind, type PeerReach } from './relay-path.js'

/** What was being done. */
export type ProbeStage = 'connect' | 'certificate' | 'binding' | 'allocate' | 'relay' | 'measure'

export interface ProbeOptions {
  /** Made for each target: TURN REST credentials begin to age. */
  readonly credentials: () => ClientCredentials | null
  /** Of the server's address; null: the system's choice. */
  readonly family: 4 | 6 | null
  readonly ca?: string
  /** Certificates are told of, and whatever is wrong with them is no failure. */
  readonly isInsecure: boolean
  readonly answerMilliseconds: number
  readonly roundTripCount: number
  readonly payloadLength: number
  /** 0: throughput is not measured. */
  readonly bitsPerSecond: number
  readonly seconds: number
  readonly signal?: AbortSignal
  readonly onStage?: (target: ProbeTarget, stage: ProbeStage) => void
}

/** What was found out before the failure, if there is one; what was not is null. */
export interface ProbeReport {
  readonly target: ProbeTarget
  /** `absent`: the server does not offer this transport, and need not. */
  outcome: 'works' | 'failed' | 'absent'
  failure: { readonly stage: ProbeStage; readonly error: ClientError } | null
  server: TransportAddress | null
  /** For the connection and the handshake; null over UDP. */
  connectMilliseconds: number | null
  /** Of a Binding. */
  bindingMilliseconds: number | null
  mapped: TransportAddress | null
  security: PeerSecurity | null
  relayed: TransportAddress | null
  lifetimeSeconds: number | null
  realm: string
  software: string
  /** Sent elsewhere by a 300: where `server` is then. */
  isRedirected: boolean
  path: PathKind | null
  /** null where it was not tried; the server's refusal where it forbids this machine as a peer. */
  reach: PeerReach | StunError | null
  roundTrips: RoundTrips | null
  throughput: Throughput | null
}

/** Never rejects, unless this program is at fault: what fails is in the report. */
export async function probeTarget(target: ProbeTarget, options: ProbeOptions): Promise<ProbeReport> {
  const report: ProbeReport = {
    ...{ target, outcome: 'works', failure: null, server: null, connectMilliseconds: null, bindingMilliseconds: null },
    ...{ mapped: null, security: null, relayed: null, lifetimeSeconds: null, realm: '', software: '' },
    ...{ isRedirected: false, path: null, reach: null, roundTrips: null, throughput: null },
  }
  const credentials = options.credentials()
  await new Probe(report, options, credentials).run()
  const alternate = alternateOf(report)
  if (alternate !== null) {
    report.failure = null
    report.isRedirected = true
    await new Probe(report, options, credentials, alternate).run()
  }
  if (report.failure !== null) report.outcome = isAbsent(report) ? 'absent' : 'failed'
  return report
}

/** Where a 300 has sent the client (RFC 8489 §10). */
interface Redirection {
  readonly address: TransportAddress
  /** Whom its certificate must be of; '' for whom it had to be of before. */
  readonly domain: string
}

class Probe {
  readonly #report: ProbeReport
  readonly #options: ProbeOptions
  readonly #credentials: ClientCredentials | null
  readonly #alternate: Redirection | null
  #stage: ProbeStage = 'connect'

  constructor(
    report: ProbeReport,
    options: ProbeOptions,
    credentials: ClientCredentials | null,
    alternate: Redirection | null = null,
  ) {
    this.#report = report
    this.#options = options
    this.#credentials = credentials
    this.#alternate = alternate
  }

  async run(): Promise<void> {
    let client: TurnClient | null = null
    try {
      this.#enter('connect')
      client = await this.#openClient()
      this.#noteTransport(client.transport)
      await this.#ask(client)
      if (!this.#report.target.isStun) await this.#measure(client)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      this.#report.failure = { stage: this.#stage, error }
    } finally {
      if (client !== null) this.#noteServer(client)
      await client?.close()
    }
  }

  /** Binding and Allocate at once: some servers answer the one alone. Nobody is told who we are whose certificate is wrong. */
  async #ask(client: TurnClient): Promise<void> {
    this.#enter('binding')
    const { isInsecure } = this.#options
    const problems = isInsecure ? [] : (client.transport.security?.problems ?? [])
    const allocates = !this.#report.target.isStun && problems.length === 0
    const allocating = allocates ? settled(allocate(client)) : null
    const binding = await settled(client.bind())
    if (!(binding instanceof ClientError)) {
      this.#report.mapped = binding.mapped
      this.#report.bindingMilliseconds = await this.#secondAnswer(client, binding)
    } else if (binding.code === 'stun-error' ? this.#report.target.isStun : allocating === null) throw binding
    if (problems.length > 0) {
      this.#enter('certificate')
      throw new ClientError('bad-certificate', problems.map(({ text }) => text).join('; '))
    }
    if (allocating === null) return
    const allocation = await allocating
    const hasAnswered = !(binding instanceof ClientError) || client.server.challenge !== null
    if (hasAnswered || !(allocation instanceof ClientError)) this.#enter('allocate')
    if (allocation instanceof ClientError) throw allocation
    this.#report.relayed = allocation.relayed
    this.#report.lifetimeSeconds = allocation.lifetimeSeconds
    this.#report.mapped ??= allocation.mapped
  }

  /** The first answer of a program takes longer than others, its code is new to the processor, and one packet may be lost. The shorter time counts. */
  async #secondAnswer(client: TurnClient, { exchange }: BindingResult): Promise<number> {
    const second = await settled(client.bind())
    if (second instanceof ClientError) return exchange.roundTripMilliseconds
    return Math.min(exchange.roundTripMilliseconds, second.exchange.roundTripMilliseconds)
  }

  async #measure(client: TurnClient): Promise<void> {
    const { bitsPerSecond, payloadLength, roundTripCount, seconds, signal } = this.#options
    this.#enter('relay')
    const openClient = () => this.#openClient()
    const path = await openRelayPath(client, signal === undefined ? { openClient } : { openClient, signal })
    try {
      this.#report.path = path.kind
      this.#enter('measure')
      this.#report.roundTrips = await measureRoundTrips(path, roundTripCount, payloadLength, signal)
      if (bitsPerSecond > 0)
        this.#report.throughput = await measureThroughput(path, bitsPerSecond, seconds, payloadLength, signal)
    } finally {
      await path.close()
    }
    this.#report.reach = path.reach ?? (await reachOf(client, signal))
    // Neither another relay nor this machine: no peer will.
    if (path.reach?.fromPeer === false) {
      this.#enter('relay')
      throw new ClientError('no-answer', `nothing gets to the relayed address ${this.#report.relayed}`)
    }
  }

  async #openClient(): Promise<TurnClient> {
    const { answerMilliseconds, ca, family, signal } = this.#options
    const { host, port, serverName = host, transport } = this.#report.target
    const alternate = this.#alternate
    const place =
      alternate === null ? { host, port } : { host: formatHost(alternate.address), port: alternate.address.port }
    const common = signal === undefined ? {} : { signal }
    const opened = await openTransport(
      { transport, ...place },
      {
        ...common,
        ...(family === null || alternate !== null ? {} : { family }),
        ...(ca === undefined ? {} : { ca }),
        ...{ serverName: alternate?.domain || serverName, timeoutMilliseconds: answerMilliseconds },
      },
    )
    return new TurnClient(opened, { ...common, credentials: this.#credentials, answerMilliseconds })
  }

  #noteTransport({ kind, openMilliseconds, remoteAddress, security }: ClientTransport): void {
    this.#report.server = remoteAddress
    this.#report.security = security
    this.#report.connectMilliseconds = kind === 'udp' ? null : openMilliseconds
  }

  #noteServer({ server }: TurnClient): void {
    this.#report.realm = server.realm
    this.#report.software = server.software
  }

  #enter(stage: ProbeStage): void {
    this.#stage = stage
    this.#options.onStage?.(this.#report.target, stage)
  }
}

/** What it is depends on where this machine stands, so that it is told, and no failure. */
async function reachOf(client: TurnClient, signal?: AbortSignal): Promise<ProbeReport['reach']> {
  const reach = await settled(findReach(client, signal))
  if (!(reach instanceof ClientError)) return reach
  if (reach.code === 'aborted') throw reach
  return reach instanceof StunError ? reach : null
}

function settled<Value>(promise: Promise<Value>): Promise<Value | ClientError> {
  return promise.catch((error) => {
    if (error instanceof ClientError) return error
    throw error
  })
}

/** What is no DNS name is no name of a certificate. */
function alternateOf({ failure }: ProbeReport): Redirection | null {
  const error = failure?.error
  if (!(error instanceof StunError) || error.number !== ERROR_TRY_ALTERNATE) return null
  const address = parseTransportAddress(error.alternateServer)
  const domain = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(error.alternateDomain) ? error.alternateDomain : ''
  return address === null ? null : { address, domain }
}

/** A failure before any answer, of a transport that need not be there. */
function isAbsent({ failure, target }: ProbeReport): boolean {
  if (failure === null || !['connect', 'binding'].includes(failure.stage)) return false
  const { code } = failure.error
  if (code === 'no-such-host' || code === 'no-resolver' || code === 'aborted') return false
  if (target.need === 'if-answered') return true
  return target.need === 'unless-refused' && code === 'connection-refused'
}
