// One run of coturn's load client in which no message may get lost, against a server under test. Used by the interop tests.
import type { Test } from 'tap'
import type { LogLine, ServerProcess } from './server-process.js'
import { runUclient, type UclientOptions, type UclientReport } from './uclient.js'

export interface UclientLoad extends UclientOptions {
  /** Messages of each client. */
  readonly messages: number
  /** As asked for: uclient rounds them up to what it can pair. */
  readonly clients: number
  /** Bytes of a message. */
  readonly length: number
}

/** The client succeeds, every message of every allocation comes back, and the server refuses nothing. */
export async function uclientLosesNothing(t: Test, server: ServerProcess, load: UclientLoad): Promise<void> {
  const report = await runUnlessUnlucky(server, load)
  const clients = clientCount(load)
  const sent = load.messages * clients
  t.equal(report.exitCode, 0, 'the client succeeded', { output: report.output })
  t.match(report, { sent, received: sent, lost: 0, dropped: 0 })
  t.same(unexpectedRefusals(server), [])
  t.ok(server.linesOf('allocation').length >= clients, 'an allocation was logged for each client')
}

/** What uclient is run with for this load. */
export function loadFlags({
  flags,
  messages,
  clients,
  length,
}: Pick<UclientLoad, 'flags' | 'messages' | 'clients' | 'length'>): string[] {
  return [...flags, '-n', String(messages), '-m', String(clients), '-l', String(length)]
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
  return server.linesOf('refusal').filter((line) => !isUnlucky(line))
}

/** Blind choice of a channel number: not the fault of the server, nor of the load. */
export function isUnlucky({ reason }: LogLine): boolean {
  return reason === 'channel-number' || reason === 'channel-conflict'
}
