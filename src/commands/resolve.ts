// `turnd resolve`: walks the DNS as a client does, from a URI or a domain to transport addresses. Called by turnd.ts with the arguments after `resolve`.
import { ClientError } from '../client/client-error.js'
import { type Discovery, discoverServers } from '../client/discovery/server-discovery.js'
import { type Candidate, distinct, type Walk } from '../client/discovery/walk.js'
import { formatTurnUri } from '../client/turn-uri.js'
import { escapeControls, escapeHidden } from '../log/escape.js'
import { CommandError } from './command-words.js'
import { interruptible, type SignalSource } from './interrupt.js'
import { parseResolveArguments, RESOLVE_HELP, type ResolveArguments } from './resolve-arguments.js'
import { candidateLines, MECHANISMS, stepLines, whyNothing } from './resolve-text.js'
import { candidatesOf, type DnsWalk, walkDns } from './walk-dns.js'

export interface ResolveCommandIo extends SignalSource {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** Runs the command. Returns the exit code: 0, 1 (no address to try) or 2 (a bad argument), the latter two after one sentence. */
export async function runResolveCommand(argv: readonly string[], io: ResolveCommandIo): Promise<number> {
  try {
    const given = parseResolveArguments(argv)
    if (given !== null) return await interruptible(io, (signal) => resolve(given, signal, io))
    io.stdout.write(RESOLVE_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof ClientError)) throw error
    complain(io, error.message)
    return 2
  }
}

async function resolve(given: ResolveArguments, signal: AbortSignal, io: ResolveCommandIo): Promise<number> {
  const walked = await walkDns(given, signal, (walk) => walkTo(given, walk))
  if (signal.aborted) {
    complain(io, 'interrupted')
    return 1
  }
  const isFound = walked.result.some(({ candidates, mechanism }) => candidates.length > 0 && mechanism !== 'anycast')
  io.stdout.write(given.isJson ? jsonText(given, walked) : plainText(given, walked))
  if (isFound) return 0
  complain(io, whyNothing(given.uri?.host ?? given.domain, walked.steps, walked.servers))
  return 1
}

interface Part {
  /** null: a URI was resolved. */
  readonly mechanism: Discovery['mechanism'] | null
  readonly candidates: readonly Candidate[]
}

async function walkTo({ domain, transports, uri }: ResolveArguments, walk: Walk): Promise<Part[]> {
  if (uri === null) {
    const parts = await discoverServers(domain, transports, walk)
    return parts.map((part) => ({ ...part, candidates: distinct(part.candidates) }))
  }
  return [{ mechanism: null, candidates: await candidatesOf(uri, transports, walk) }]
}

function plainText(given: ResolveArguments, { result, servers, steps }: DnsWalk<Part[]>): string {
  const isAsked = steps.some(({ kind }) => kind === 'query')
  const what = given.uri === null ? given.domain : formatTurnUri(given.uri)
  const head = `${what}${isAsked ? `, asking ${servers.join(', ')}` : ''}`
  const found = result
    .filter(({ candidates }) => candidates.length > 0)
    .flatMap(({ candidates, mechanism }) => [
      '',
      mechanism === null ? 'in this order:' : `${MECHANISMS[mechanism]}:`,
      ...candidateLines(candidates),
    ])
  return [head, '', ...stepLines(steps), ...found].map((line) => `${escapeControls(line)}\n`).join('')
}

function jsonText(given: ResolveArguments, { result, servers, steps }: DnsWalk<Part[]>): string {
  const what = given.uri === null ? { domain: given.domain } : { uri: formatTurnUri(given.uri) }
  const found = given.uri === null ? { mechanisms: result } : { candidates: result[0].candidates }
  return `${escapeHidden(JSON.stringify({ ...what, servers, steps, ...found }))}\n`
}

function complain({ stderr }: ResolveCommandIo, message: string): void {
  stderr.write(`turnd resolve: ${escapeControls(message)}\n`)
}
