// The servers whose answers to strangers are measured: turnd on each engine, and Debian's coturn where it is installed.
import { coturnCommand } from '../../bench/servers/commands.js'
import { ServerProcess as BenchServer } from '../../bench/servers/server-process.js'
import type { EngineUnderTest } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { ServerProcess } from '../support/server-process.js'
import { type Measured, measure } from './amplification.js'
import { ALICE, HOST, REALM } from './ground.js'
import { RELAY_PORTS } from './stage.js'

const CORE = 0

export async function measureTurnd(engine: EngineUnderTest): Promise<Measured> {
  const ports = ['--min-port', String(RELAY_PORTS.first), '--max-port', String(RELAY_PORTS.last)]
  const user = ['--user', `${ALICE.username}:${ALICE.password}`]
  const server = new ServerProcess([...engine.args, '--realm', REALM, '--relay-ip', HOST, ...ports, ...user], {})
  try {
    await server.waitUntilReady()
    return await measure(`turnd, ${engine.name}`, server.port())
  } finally {
    await server.stop()
  }
}

/** Null where there is no coturn. */
export async function measureCoturn(): Promise<Measured | null> {
  if (peerOrSkip('turnserver') !== false) return null
  const command = coturnCommand('turnserver')
  const withRealm = (argument: string, index: number, list: readonly string[]) =>
    list[index - 1] === '-r' ? REALM : argument
  const server = await BenchServer.start(
    { ...command, arguments: (port, directory) => command.arguments(port, directory, 0).map(withRealm) },
    CORE,
  )
  try {
    return await measure('coturn', server.port)
  } finally {
    await server.stop()
  }
}
