// One server under examination: what its checks share is found out once, and everything that was opened is closed.
import { setMaxListeners } from 'node:events'
import { type ClientCredentials, restCredentials } from '../../client/client-credentials.js'
import { ClientError, type ClientErrorCode } from '../../client/client-error.js'
import { Deadline } from '../../client/deadline.js'
import { resolveHost } from '../../client/resolve-host.js'
import { type ClientTransport, openTransport } from '../../client/transport.js'
import { TurnClient } from '../../client/turn-client.js'
import type { Settings } from '../../config/settings.js'
import { formatHost, hostAddress, type TransportAddress } from '../../stun/address.js'
import { askForNothing, codeOfStranger } from './credential-trial.js'
import { type ExerciseFacts, exerciseRelays } from './exercise.js'
import { FARTHEST_SECONDS, REST_NAME } from './rest-secret.js'
import type { Identity, OutsideScene, Way, WayOutcome, WayState } from './scene.js'

/** A server of STUN has spoken: a refusal, or what is no answer to this request. */
const ANSWERS: readonly ClientErrorCode[] = ['stun-error', 'no-credentials', 'bad-answer']

export interface ExaminationOptions {
  readonly host: string
  readonly ways: readonly Way[]
  readonly identity: Identity | null
  readonly settings: Settings | null
  readonly patienceMs: number
  /** PEM texts of the authorities to trust; null: the well-known ones. */
  readonly ca: string | null
  /** Of the host; resolveHost if absent. */
  readonly addressesOf?: typeof resolveHost
}

export class Examination implements OutsideScene {
  readonly host: string
  readonly ways: readonly Way[]
  readonly identity: Identity | null
  readonly settings: Settings | null
  readonly patienceMs: number
  readonly #ca: string | null
  readonly #addressesOf: typeof resolveHost
  readonly #ending = new AbortController()
  readonly #clients = new Set<TurnClient>()
  #turn: Promise<unknown> = Promise.resolve()
  #addresses: Promise<readonly TransportAddress[]> | null = null
  #survey: Promise<readonly WayState[]> | null = null
  #codeOfStranger: Promise<number> | null = null
  #exercise: Promise<ExerciseFacts> | null = null

  constructor({ addressesOf, ca, host, identity, patienceMs, settings, ways }: ExaminationOptions) {
    this.host = host
    this.ways = ways
    this.identity = identity
    this.settings = settings
    this.patienceMs = patienceMs
    this.#ca = ca
    this.#addressesOf = addressesOf ?? resolveHost
    setMaxListeners(0, this.#ending.signal)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  addresses(): Promise<readonly TransportAddress[]> {
    this.#addresses ??= this.#resolve()
    return this.#addresses
  }

  survey(): Promise<readonly WayState[]> {
    this.#survey ??= Promise.all(this.ways.map((way) => this.#try(way)))
    return this.#survey
  }

  async mainWay(): Promise<WayState> {
    const states = (await this.survey()).filter(({ outcome }) => outcome === 'answers')
    return states.find(({ way }) => way.transport === 'udp') ?? states[0]
  }

  async openClient(credentials: ClientCredentials | null): Promise<TurnClient> {
    return this.#clientOf(await this.openTransport(await this.mainWay()), credentials)
  }

  credentials(): ClientCredentials | null {
    const { identity } = this
    if (identity === null || identity.kind === 'password') return identity
    // Good whatever the server's clock says, so that what else is wrong is found as well.
    return restCredentials(identity.secret, REST_NAME, Date.now() / 1000 + FARTHEST_SECONDS)
  }

  codeOfStranger(): Promise<number> {
    this.#codeOfStranger ??= codeOfStranger(this)
    return this.#codeOfStranger
  }

  exercise(): Promise<ExerciseFacts> {
    this.#exercise ??= this.inTurn(() => exerciseRelays(this))
    return this.#exercise
  }

  inTurn<Value>(action: () => Promise<Value>): Promise<Value> {
    const result = this.#turn.then(action)
    this.#turn = result.catch(() => {})
    return result
  }

  openTransport({ address, way }: WayState): Promise<ClientTransport> {
    return this.#open(way, address!)
  }

  /** Gives back every allocation. */
  async close(): Promise<void> {
    // First of all, so that no check that still runs opens another client.
    this.#ending.abort()
    await Promise.all([...this.#clients].map((client) => client.close()))
  }

  #open(way: Way, address: TransportAddress): Promise<ClientTransport> {
    const { host, patienceMs: timeoutMilliseconds, signal } = this
    const trust = this.#ca === null ? {} : { ca: this.#ca }
    const options = { serverName: host, timeoutMilliseconds, signal, ...trust }
    return openTransport({ ...way, host: formatHost(address) }, options)
  }

  #clientOf(transport: ClientTransport, credentials: ClientCredentials | null): TurnClient {
    const client = new TurnClient(transport, { credentials, answerMilliseconds: this.patienceMs, signal: this.signal })
    this.#clients.add(client)
    // Opened while the examination was closed: nobody else closes it.
    if (this.signal.aborted) void client.close()
    return client
  }

  /** At the name's first address of each family: clients try them all. */
  async #try(way: Way): Promise<WayState> {
    let addresses: readonly TransportAddress[]
    try {
      addresses = oneOfEachFamily(await this.addresses()).map((address) => hostAddress(formatHost(address), way.port)!)
    } catch (error) {
      return { ...stateOf(way, null), outcome: outcomeOf(error), problem: (error as Error).message }
    }
    const states = await Promise.all(addresses.map((address) => this.#tryAt(way, address)))
    const answering = states.find(({ outcome }) => outcome === 'answers')
    // Where this machine has one family alone it learns nothing of the other.
    const tried = states.filter(({ outcome }) => outcome !== 'unreachable' && outcome !== 'untried')
    if (answering === undefined) return tried[0] ?? states[0]
    const deaf = tried.filter(({ outcome }) => outcome !== 'answers')
    return { ...answering, deafHosts: deaf.map(({ address }) => formatHost(address!)) }
  }

  async #resolve(): Promise<TransportAddress[]> {
    const deadline = new Deadline(this.patienceMs, this.signal)
    try {
      return await deadline.race(this.#addressesOf(this.host, 0), `no address of ${this.host}`)
    } finally {
      deadline.clear()
    }
  }

  async #tryAt(way: Way, address: TransportAddress): Promise<WayState> {
    const state = stateOf(way, address)
    let transport: ClientTransport
    try {
      transport = await this.#open(way, address)
    } catch (error) {
      return { ...state, outcome: outcomeOf(error), problem: (error as Error).message }
    }
    const { security } = transport
    const client = this.#clientOf(transport, null)
    try {
      return { ...state, security, outcome: 'answers', answerMilliseconds: await firstAnswer(client) }
    } catch (error) {
      const outcome = outcomeOf(error)
      const isMute = way.transport !== 'udp' && outcome !== 'untried'
      return { ...state, security, outcome: isMute ? 'mute' : outcome, problem: (error as Error).message }
    } finally {
      await client.close()
    }
  }
}

function stateOf(way: Way, address: TransportAddress | null): WayState {
  const nothing = { problem: '', deafHosts: [], answerMilliseconds: 0, security: null }
  return { way, address, outcome: 'unreachable', ...nothing }
}

function oneOfEachFamily(addresses: readonly TransportAddress[]): TransportAddress[] {
  return addresses.filter(({ family }, index) => addresses.findIndex((one) => one.family === family) === index)
}

/** Milliseconds until a Binding or an Allocate is answered: some servers answer the one alone. Rejects with a ClientError. */
async function firstAnswer(client: TurnClient): Promise<number> {
  const start = performance.now()
  let broken: ClientError | null = null
  client.onFault = (error) => {
    broken = error
  }
  const answered = (request: Promise<unknown>) =>
    request.catch((error) => {
      if (error === broken || !(error instanceof ClientError) || !ANSWERS.includes(error.code)) throw error
    })
  try {
    await Promise.any([answered(client.bind()), answered(askForNothing(client))])
    return performance.now() - start
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  }
}

function outcomeOf(error: unknown): WayOutcome {
  switch (error instanceof ClientError ? error.code : '') {
    case 'connection-refused':
      return 'closed'
    case 'no-answer':
      return 'silent'
    case 'tls-failed':
      return 'no-tls'
    case 'connection-closed':
    case 'bad-answer':
      return 'mute'
    case 'dtls-unavailable':
    case 'bad-local-address':
    case 'aborted':
      return 'untried'
    default:
      return 'unreachable'
  }
}
