// A server with the native engine in this process, its log lines, and clients that are on known workers. Used by the tests of workers.
import pino from 'pino'
import type { Test } from 'tap'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import { until } from '../command/until.js'
import { connectUdp } from '../support/client-transport.js'
import { NATIVE } from '../support/engines.js'
import { TurnClient } from '../support/turn-client.js'

export const USER = { username: 'alice', password: 'secret' } as const
/** The kernel chooses by a hash of the addresses: with so many clients, all on one of two workers is one run in 2^19. */
const CLIENT_COUNT = 20

export interface WorkerServer {
  readonly server: TurnServer
  readonly lines: Record<string, unknown>[]
}

export async function startOnWorkers(t: Test, options: TurnServerOptions): Promise<WorkerServer> {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const common: TurnServerOptions = { listen: 'udp:127.0.0.1:0', relayIp: '127.0.0.1', allowPeer: '127.0.0.0/8' }
  const server = createTurnServer({ ...common, ...NATIVE.options, ...options }, logger)
  t.teardown(() => server.stop())
  await server.start()
  return { server, lines }
}

export async function connectTo(t: Test, server: TurnServer, user: { username: string; password: string } = USER) {
  const { host, port } = server.address()[0]
  return TurnClient.on(t, await connectUdp(host, port), user)
}

/** Clients with allocations, by worker; on each at least one. */
export async function allocateOnAll(t: Test, { lines, server }: WorkerServer): Promise<readonly TurnClient[][]> {
  const clients: TurnClient[] = []
  for (let index = 0; index < CLIENT_COUNT; index++) {
    const client = await connectTo(t, server)
    t.equal((await client.allocate()).code, 0)
    clients.push(client)
  }
  const isOf = (client: TurnClient, line: Record<string, unknown>) =>
    line.event === 'allocation' && line.client === client.localAddress.toString()
  await until(() => clients.every((client) => lines.some((line) => isOf(client, line))), 'all allocations are logged')
  const workerOf = (client: TurnClient) => lines.find((line) => isOf(client, line))?.worker
  const byWorker = Array.from({ length: NATIVE.workerCount }, (_, worker) =>
    clients.filter((client) => workerOf(client) === worker),
  )
  for (const [worker, ofWorker] of byWorker.entries()) t.ok(ofWorker.length > 0, `worker ${worker} has clients`)
  return byWorker
}
