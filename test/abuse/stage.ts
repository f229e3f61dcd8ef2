// A server and those who must not notice: started once, for one attack or for several in turn, each of which is measured.
//
//   rest   innocents begin   attack …………………………   innocents end   some seconds
//    ▲ before                 peak, every 20 ms                        ▲ after
import { setTimeout as delay } from 'node:timers/promises'
import { testCertificate } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { OPERATOR_NAT64_PREFIXES } from '../support/embeddings.js'
import type { EngineUnderTest } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type LogLine, ServerProcess } from '../support/server-process.js'
import type {
  AbuseScheme,
  Attack,
  AttackReport,
  FlowResult,
  MemoryResult,
  NewcomersResult,
  Outcome,
  Rules,
} from './attack.js'
import {
  ACCOMPLICES,
  ALICE,
  FORBIDDEN_PEERS,
  type GroundData,
  HOST,
  type InnocentCall,
  MALLORY,
  PEERS,
  REALM,
  UNAUTHENTICATED_RATE,
} from './ground.js'
import { failuresOf } from './judge.js'
import { listenerOverflows, settledBytes, watchMemory } from './server-memory.js'
import { Thread } from './thread.js'

/** Of every server of this suite; below those of other tests. */
export const RELAY_PORTS = { first: 10_000, last: 11_999 }
/** An attack may take as long again, and so much more, for what it checks afterwards. */
const EXTRA_MILLISECONDS = 60_000
/** Innocents are watched a little before the attack begins. */
const LEAD_MILLISECONDS = 50

export interface StageOptions {
  readonly engine: EngineUnderTest
  readonly serverArgs: readonly string[]
  readonly schemes: readonly AbuseScheme[]
  readonly warmUpSeconds: number
  /** How long memory has to come back. */
  readonly settleMilliseconds: number
  readonly usualRules: Rules
  /** This thread is in it (own-network.ts). */
  readonly isOwnNetwork: boolean
}

export class Stage {
  readonly #options: StageOptions
  readonly #server: ServerProcess
  readonly #threads: Readonly<Record<'attacker' | 'flow' | 'newcomers', Thread>>

  #innocent: InnocentCall | null = null
  /** What was left by the attack before. */
  #after: number | null = null

  private constructor(options: StageOptions, server: ServerProcess, data: GroundData) {
    this.#options = options
    this.#server = server
    this.#threads = {
      attacker: new Thread('attacker.js', data),
      flow: new Thread('innocent-flow.js', data),
      newcomers: new Thread('newcomers.js', data),
    }
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { engine } = options
    const server = new ServerProcess(serverArgs(options), {})
    try {
      await server.waitUntilReady()
      if (server.ready.engine !== engine.name) throw new Error(`the server runs on ${server.ready.engine}`)
      const stage = new Stage(options, server, groundData(options, server))
      await stage.#threads.attacker.ask('warmUp', options.warmUpSeconds)
      await stage.#threads.newcomers.ask('open')
      stage.#innocent = await stage.#threads.flow.ask<InnocentCall>('open')
      return stage
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  /** Makes the attack for so many seconds, and judges it. */
  async run(attack: Attack, seconds: number): Promise<Outcome> {
    const { flow, newcomers } = this.#threads
    const { pid } = this.#server
    const before = await settledBytes(pid, this.#after, this.#options.settleMilliseconds)
    const overflowsBefore = listenerOverflows(pid)
    await flow.ask('begin')
    await newcomers.ask('begin')
    await delay(LEAD_MILLISECONDS)
    const memoryWatch = watchMemory(pid)
    const watched = attack.watch?.(this.#server)
    const report = await this.#attack(attack, seconds)
    const failures = [...report.failures, ...((await watched?.()) ?? [])]
    const [flowResult, newcomersResult] = await Promise.all([
      flow.ask<FlowResult>('end'),
      newcomers.ask<NewcomersResult>('end'),
    ])
    const peak = memoryWatch.end()
    const after = await settledBytes(pid, before, this.#options.settleMilliseconds)
    this.#after = after
    const outcome = {
      ...this.#about(attack),
      report: { ...report, failures },
      flow: flowResult,
      newcomers: newcomersResult,
      memory: { before, peak: Math.max(before, peak), after } satisfies MemoryResult,
      overflowCount: listenerOverflows(pid) - overflowsBefore,
    }
    return { ...outcome, failures: failuresOf(attack, outcome, this.#options.usualRules) }
  }

  /** Stops the server. Returns what it says at its end: `engine`, `drops` and `refusals`. */
  async close(): Promise<LogLine> {
    for (const thread of Object.values(this.#threads)) await thread.close()
    const code = await this.#server.stop()
    const [stopped] = this.#server.linesOf('stopped')
    if (code !== 0 || stopped === undefined) {
      throw new Error(`the server ended with ${code}:\n${this.#server.output.slice(-2000)}`)
    }
    return stopped
  }

  #about({ name, title, threat }: Attack) {
    return { attack: name, title, threat, engine: this.#options.engine.name, skipped: null }
  }

  async #attack({ name }: Attack, seconds: number): Promise<AttackReport> {
    const start = performance.now()
    const milliseconds = 2000 * seconds + EXTRA_MILLISECONDS
    try {
      const made = this.#threads.attacker.ask<AttackReport>('attack', { name, seconds, innocent: this.#innocent })
      return await withDeadline(made, milliseconds, () => `${name} does not end`)
    } catch (error) {
      const failures = [`the attack could not be made: ${(error as Error).message}`]
      return {
        ...{ sent: 0, sentBytes: 0, replies: 0, replyBytes: 0, failures },
        milliseconds: performance.now() - start,
      }
    }
  }
}

function groundData({ engine, isOwnNetwork, schemes }: StageOptions, server: ServerProcess): GroundData {
  const ports: Partial<Record<AbuseScheme, number>> = { udp: server.port('', 'udp') }
  for (const scheme of schemes) ports[scheme] = server.port('', scheme)
  return {
    ...{ engine: engine.name, workerCount: engine.workerCount, pid: server.pid, seconds: 0, ports },
    ...{ relayPorts: RELAY_PORTS, certificate: testCertificate().cert, innocent: null, isOwnNetwork },
  }
}

/** What an attack says about an option takes the place of what is usual. */
function serverArgs({ engine, schemes, serverArgs }: StageOptions): string[] {
  const { certPath, keyPath } = testCertificate()
  const usual: readonly (readonly [name: string, value: string])[] = [
    ['--realm', REALM],
    ['--allow-peer', PEERS],
    ['--deny-peer', FORBIDDEN_PEERS],
    ['--min-port', String(RELAY_PORTS.first)],
    ['--max-port', String(RELAY_PORTS.last)],
    ['--unauthenticated-rate', String(UNAUTHENTICATED_RATE)],
  ]
  const relayHosts = peerOrSkip('IPv6 loopback') === false ? [HOST, '::1'] : [HOST]
  const relays = serverArgs.includes('--relay-ip') ? [] : relayHosts.flatMap((host) => ['--relay-ip', host])
  const prefixes = OPERATOR_NAT64_PREFIXES.flatMap((prefix) => ['--nat64-prefix', prefix])
  const users = [ALICE, MALLORY, ...ACCOMPLICES].flatMap(({ password, username }) => [
    '--user',
    `${username}:${password}`,
  ])
  const listen = ['udp', ...schemes].flatMap((scheme) => ['--listen', `${scheme}:${HOST}:0`])
  const needsCertificate = schemes.includes('tls') || schemes.includes('dtls')
  const certificate = needsCertificate ? ['--cert', certPath, '--key', keyPath] : []
  const defaults = usual.filter(([name]) => !serverArgs.includes(name)).flat()
  return [...engine.args, ...listen, ...certificate, ...users, ...relays, ...prefixes, ...defaults, ...serverArgs]
}
