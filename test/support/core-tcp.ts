// The beginnings of the tests of RFC 6062: a client over TCP with a TCP relay, on one core or on two workers of one server.
import { TRANSPORT_TCP } from '../../src/turn/five-tuple.js'
import type { SharedTables } from '../../src/turn/shared-tables.js'
import type { CoreClient, CoreClientOptions } from './core-client.js'
import { CoreHarness, type CoreHarnessOptions } from './core-harness.js'
import { tablesOf } from './shared-stage.js'

export interface TcpCall {
  readonly harness: CoreHarness
  readonly client: CoreClient
  /** The relayed transport address. */
  readonly relayed: string
  readonly relayId: number
}

export function tcpClient(harness: CoreHarness, options: CoreClientOptions = {}): CoreClient {
  return harness.client({ transport: TRANSPORT_TCP, ...options })
}

/** A client with a TCP allocation. */
export function tcpCall(options: CoreHarnessOptions = {}, harness = new CoreHarness(options)): TcpCall {
  const client = tcpClient(harness)
  const [relayed] = client.allocateTcp().relayed
  return { harness, client, relayed, relayId: harness.relayOf(client).id }
}

export interface TwoWorkers {
  readonly tables: SharedTables
  /** The call of worker 0. */
  readonly owner: TcpCall
  /** Worker 1, which data connections reach. */
  readonly binder: CoreHarness
}

export function twoWorkers(options: CoreHarnessOptions = {}): TwoWorkers {
  const tables = tablesOf({ workerCount: 2 })
  const owner = tcpCall({}, new CoreHarness({ ...options, tables, workerIndex: 0, seed: 1 }))
  return { tables, owner, binder: new CoreHarness({ ...options, tables, workerIndex: 1, seed: 2 }) }
}

/** Effects as text, those to clients left out: `close-peer 7`, `close tcp`. */
export function effectNames(harness: CoreHarness): string[] {
  return harness.output.take().flatMap((effect) => {
    if (effect.kind === 'message') return []
    if (effect.kind === 'close-peer') return [`close-peer ${effect.handle}`]
    if (effect.kind === 'open' || effect.kind === 'close') return [effect.tcp ? `${effect.kind} tcp` : effect.kind]
    return [effect.kind]
  })
}
