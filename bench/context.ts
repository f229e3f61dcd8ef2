// What every case is given: the options, the servers' commands, and a voice.
import { fileURLToPath } from 'node:url'
import type { StageOptions, Target } from './generator/stage.js'
import type { BenchOptions } from './options.js'
import type { CertificateFiles } from './servers/certificate.js'
import {
  coturnCommand,
  coturnStreamsCommand,
  coturnVersion,
  type ServerCommand,
  turndCommand,
  turndStreamsCommand,
  USER,
} from './servers/commands.js'
import { nextNetwork } from './servers/run-generator.js'
import { ServerProcess } from './servers/server-process.js'

/** The build that `npm run bench` has just made. */
const TURND = fileURLToPath(new URL('../src/turnd.js', import.meta.url))

export class BenchContext {
  readonly options: BenchOptions
  readonly turnd: ServerCommand
  /** turnd with the portable engine; null when that is what is measured anyway. */
  readonly turndDgram: ServerCommand | null
  /** null where there is none: then turnd runs alone. */
  readonly coturn: ServerCommand | null
  /** Whether single packets may be injected: see generator/injected-messages.ts. */
  readonly canInject: boolean
  readonly progress: (line: string) => void
  /** For so long this run may still wait for other programs, and repeat what they disturbed. */
  patienceSeconds: number
  /** Single packets per second that coturn relayed at most, if that was measured in this run. */
  coturnCapacity: number | null = null

  constructor(options: BenchOptions, canInject: boolean, progress: (line: string) => void) {
    const script = options.turnd ?? TURND
    this.options = options
    this.canInject = canInject
    this.patienceSeconds = options.patienceSeconds
    this.progress = progress
    this.turnd = turndCommand(script, options.engine)
    this.turndDgram = options.engine === 'dgram' ? null : turndCommand(script, 'dgram', 'turnd dgram')
    this.coturn = findCoturn(options.coturn, progress)
  }

  /** turnd, and coturn if it is here. */
  commands(): ServerCommand[] {
    return this.coturn === null ? [this.turnd] : [this.turnd, this.coturn]
  }

  /** The same servers with listeners for TCP and TLS. Either may be left out. */
  streamCommands(certificate: CertificateFiles): ServerCommand[] {
    const { turnd, engine, coturn } = this.options
    const commands = this.coturn === null ? [] : [coturnStreamsCommand(coturn, certificate)]
    return turnd === 'none' ? commands : [turndStreamsCommand(turnd ?? TURND, engine, certificate), ...commands]
  }

  /** Starts these servers on the servers' core, runs the work and stops them, whatever happens. */
  async withServers<Result>(
    commands: readonly ServerCommand[],
    work: (servers: readonly ServerProcess[]) => Promise<Result>,
  ): Promise<Result> {
    const servers: ServerProcess[] = []
    try {
      for (const command of commands) servers.push(await this.startServer(command))
      return await work(servers)
    } finally {
      for (const server of servers) await server.stop()
    }
  }

  async startServer(command: ServerCommand): Promise<ServerProcess> {
    const server = await ServerProcess.start(command, this.options.cores.server)
    const engine = server.engine()
    const wanted = command === this.turndDgram ? 'dgram' : this.options.engine
    if (engine !== null && wanted !== 'auto' && engine !== wanted) {
      this.progress(`ATTENTION: turnd was asked for its ${wanted} engine, but runs with ${engine}`)
    }
    return server
  }

  target(server: ServerProcess): Target {
    return { port: server.port, pid: server.pid, core: this.options.cores.server }
  }

  /** Options of the generator's stage. */
  stage(target: Target | null, framing: StageOptions['framing'] = 'channel'): StageOptions {
    const flowCount = this.options.flowCount
    return { target, user: USER, network: nextNetwork(), flowCount, framing, canInject: this.canInject }
  }
}

function findCoturn(program: string, progress: (line: string) => void): ServerCommand | null {
  if (program === 'none') return null
  if (coturnVersion(program) !== null) return coturnCommand(program)
  progress(
    `coturn (${program}) does not run here, so there is nothing to compare with: apt install coturn, or --coturn PATH`,
  )
  return null
}
