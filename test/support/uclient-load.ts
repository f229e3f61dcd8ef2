// One run of coturn's load client in which no message may get lost, against a server under test. Used by the interop tests.
import type { Test } from 'tap'
import { until } from '../command/until.js'
import type { LogLine, ServerProcess } from './server-process.js'
import { runUclient, type UclientOptions, type UclientReport } from './uclient.js'

export interface UclientLoad extends UclientOptions {
  /** Messages of each client. */
  readonly messages: number
  /** As asked for: uclient rounds them up to what it can pair. */
  readonly clients: number
  /** Bytes of a message. */
  readonly length: number
  /** The address of loopback that it comes from (-L), when no other load of the server does: which allocations are its own. */
  readonly from?: string
}

/** The client succeeds, every message of every allocation comes back, and the server refuses nothing. */
export async function uclientLosesNothing(t: Test, server: ServerProcess, load: UclientLoad): Promise<void> {
  const report = await runUnlessUnlucky(server, load)
  const clients = clientCount(load)
  const sent = load.messages * clients
  t.equal(report.exitCode, 0, 'the client succeeded', { output: report.output })
  if (report.received < sent && readsOneOfARecord(load)) {
    t.match(report, { sent, dropped: 0 })
    const written = () => packetsToClients(server, load)
    await until(() => written() >= sent, 'what the client has not read is written').catch(() => {})
    t.ok(written() >= sent, `${sent - report.received} messages were written, and not read`)
  } else t.match(report, { sent, received: sent, lost: 0, dropped: 0 })
  t.same(unexpectedRefusals(server), [])
  await until(() => server.linesOf('allocation').length >= clients, 'an allocation is logged for each client')
}

/** What uclient is run with for this load. */
export function loadFlags({
  flags,
  from,
  messages,
  clients,
  length,
}: Pick<UclientLoad, 'flags' | 'from' | 'messages' | 'clients' | 'length'>): string[] {
  return [
    ...flags,
    ...(from === undefined ? [] : ['-L', from]),
    '-n',
    String(messages),
    '-m',
    String(clients),
    '-l',
    String(length),
  ]
}

/**
 * Over TLS the client takes one message from each record and throws the rest away. A server that is held up writes what has come meanwhile
 * into one, so that on a busy machine it is the server that knows how many messages went over the connection, which loses nothing itself.
 */
function readsOneOfARecord({ flags, from }: UclientLoad): boolean {
  return from !== undefined && flags.includes('-t') && flags.includes('-S') && !flags.includes('-T')
}

/** Of those allocations of this load that have ended. */
function packetsToClients(server: ServerProcess, { from }: UclientLoad): number {
  const own = server.linesOf('allocation-deleted').filter(({ client }) => String(client).startsWith(`${from}:`))
  return own.reduce((sum, { packetsToClient }) => sum + Number(packetsToClient), 0)
}

/** Nothing was dropped because a client did not read, until the end of the server. */
export async function endsWithoutStalls(t: Test, server: ServerProcess): Promise<void> {
  t.equal(await server.stop(), 0)
  t.match(server.linesOf('stopped'), [{ engine: { stalledDrops: 0 } }])
}

/** The client works with pairs of clients, and with pairs of pairs where each has a second relay for RTCP. */
function clientCount({ clients, flags }: UclientLoad): number {
  const multiple = flags.includes('-c') || flags.includes('-T') ? 2 : 4
  return Math.ceil(clients / multiple) * multiple
}

// The client draws channel numbers blindly. One in 16,384 is 0x7FFF, which RFC 5766 does not allow either, and as many are the number
// that it has bound to its other peer: the server must refuse both, and the client gives up. Such a run says nothing and is made once more.
async function runUnlessUnlucky(server: ServerProcess, load: UclientLoad): Promise<UclientReport> {
  const options = { ...load, flags: loadFlags(load) }
  const report = await runUclient(options)
  return report.output.includes('channel bind: error 400') && server.linesOf('refusal').some(isUnlucky)
    ? runUclient(options)
    : report
}

function unexpectedRefusals(server: ServerProcess): LogLine[] {
  return server.linesOf('refusal').filter((line) => !isUnlucky(line) && !isOfMove(line))
}

/** A client that comes from another port has a nonce of the former one, and asks again with another. */
function isOfMove({ method, reason }: LogLine): boolean {
  return reason === 'stale-nonce' && method === 'Refresh'
}

/** Blind choice of a channel number: not the fault of the server, nor of the load. */
export function isUnlucky({ reason }: LogLine): boolean {
  return reason === 'channel-number' || reason === 'channel-conflict'
}
