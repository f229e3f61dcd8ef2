// One server under examination: what its checks share is found out once, and everything that was opened is closed.
import { setMaxListeners } from 'node:events'
import { type ClientCredentials, restCredentials } from '../../client/client-credentials.js'
import { ClientError, StunError } from '../../client/client-error.js'
import { type ClientTransport, openTransport } from '../../client/transport.js'
import { TurnClient } from '../../client/turn-client.js'
import type { Settings } from '../../config/settings.js'
import { type ExerciseFacts, exerciseRelays } from './exercise.js'
import { REST_NAME } from './rest-secret.js'
import type { Identity, OutsideScene, Way, WayOutcome, WayState } from './scene.js'

/** Long enough for any clock that is not wrong. */
const CREDENTIAL_SECONDS = 3600

export interface ExaminationOptions {
  readonly host: string
  readonly ways: readonly Way[]
  readonly identity: Identity | null
  readonly settings: Settings | null
  readonly patienceMs: number
  /** PEM texts of the authorities to trust; null: the well-known ones. */
  readonly ca: string | null
}

export class Examination implements OutsideScene {
  readonly host: string
  readonly ways: readonly Way[]
  readonly identity: Identity | null
  readonly settings: Settings | null
  readonly patienceMs: number
  readonly #ca: string | null
  readonly #ending = new AbortController()
  readonly #clients = new Set<TurnClient>()
  #turn: Promise<unknown> = Promise.resolve()
  #survey: Promise<readonly WayState[]> | null = null
  #exercise: Promise<ExerciseFacts> | null = null

  constructor({ ca, host, identity, patienceMs, settings, ways }: ExaminationOptions) {
    this.host = host
    this.ways = ways
    this.identity = identity
    this.settings = settings
    this.patienceMs = patienceMs
    this.#ca = ca
    setMaxListeners(0, this.#ending.signal)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
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
    const { way } = await this.mainWay()
    return this.#clientOf(await this.#open(way), credentials)
  }

  credentials(): ClientCredentials | null {
    const { identity } = this
    if (identity === null || identity.kind === 'password') return identity
    return restCredentials(identity.secret, REST_NAME, Date.now() / 1000 + CREDENTIAL_SECONDS)
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

  /** Gives back every allocation. */
  async close(): Promise<void> {
    // What was begun and waits ends by itself: its client is closed.
    await Promise.all([...this.#clients].map((client) => client.close()))
    this.#ending.abort()
  }

  #open(way: Way): Promise<ClientTransport> {
    const { patienceMs: timeoutMilliseconds, signal } = this
    return openTransport(way, {
      verify: false,
      timeoutMilliseconds,
      signal,
      ...(this.#ca === null ? {} : { ca: this.#ca }),
    })
  }

  #clientOf(transport: ClientTransport, credentials: ClientCredentials | null): TurnClient {
    const client = new TurnClient(transport, { credentials, answerMilliseconds: this.patienceMs, signal: this.signal })
    this.#clients.add(client)
    return client
  }

  async #try(way: Way): Promise<WayState> {
    const failed = (outcome: WayOutcome, error: Error): WayState => ({
      way,
      outcome,
      problem: error.message,
      address: null,
      security: null,
    })
    let transport: ClientTransport
    try {
      transport = await this.#open(way)
    } catch (error) {
      return failed(outcomeOf(error), error as Error)
    }
    const { remoteAddress: address, security } = transport
    const client = this.#clientOf(transport, null)
    try {
      await client.bind()
      return { way, outcome: 'answers', problem: '', address, security }
    } catch (error) {
      // A refusal is an answer: some servers want credentials for a Binding.
      if (error instanceof StunError) return { way, outcome: 'answers', problem: '', address, security }
      const outcome = outcomeOf(error)
      const isConnected = way.transport !== 'udp'
      return { ...failed(isConnected ? 'mute' : outcome, error as Error), address, security }
    } finally {
      await client.close()
    }
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
    default:
      return 'unreachable'
  }
}
