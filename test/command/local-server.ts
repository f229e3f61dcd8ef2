// A server that relays on loopback, and clients of it. Used by the tests of this folder.
import type { Test } from 'tap'
import { connectUdp } from '../support/client-transport.js'
import { type ServerProcess, type ServerProcessOptions, startServer } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'

/** Relays on loopback, to peers on loopback, in the slice of 50 ports that begins at `minPort`: each test file has its own. */
export function localArguments(minPort: number): string[] {
  return [
    ...['--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8'],
    ...['--min-port', String(minPort), '--max-port', String(minPort + 49)],
  ]
}

/** Starts a local server whose whole output, until its end, holds none of `secrets`. */
export async function startLocalServer(
  t: Test,
  minPort: number,
  args: readonly string[],
  secrets: readonly string[],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const server = await startServer(t, [...localArguments(minPort), ...args], options)
  t.teardown(async () => {
    await server.stop()
    for (const secret of secrets) if (server.output.includes(secret)) throw new Error(`the output shows ${secret}`)
  })
  return server
}

export async function connectClient(
  t: Test,
  server: Pick<ServerProcess, 'port'>,
  username: string,
  password: string,
): Promise<TurnClient> {
  return TurnClient.on(t, await connectUdp('127.0.0.1', server.port()), { username, password })
}

/** The code of a new client's Allocate. */
export async function allocateCode(
  t: Test,
  server: Pick<ServerProcess, 'port'>,
  username: string,
  password: string,
): Promise<number> {
  const client = await connectClient(t, server, username, password)
  return (await client.allocate()).code
}
