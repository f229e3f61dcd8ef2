// What the test from a browser finds out about one way to the server, and how that is told in words and as text. Pure.
import type { WhyRefusal } from '../admin/schema/why.js'
import { bitRate, milliseconds, sentence } from './format.js'
import { quantile } from './quantiles.js'

export type CallStage =
  | 'waiting'
  | 'gathering'
  | 'connecting'
  | 'probing'
  | 'filling'
  | 'done'
  | 'failed'
  | 'skipped'
  | 'cancelled'

/** Of an icecandidateerror. */
export interface CandidateError {
  readonly code: number
  readonly text: string
}

export interface CallResult {
  readonly uri: string
  stage: CallStage
  /** The stage in which it failed. */
  failedStage: CallStage | null
  /** The relayed transport address that the browser was given; '' until then. */
  relayed: string
  gatherMilliseconds: number | null
  connectMilliseconds: number | null
  probesSent: number
  roundTrips: number[]
  bitsPerSecond: number | null
  errors: CandidateError[]
  /** In words, when it failed or was skipped. */
  reason: string
  /** What the server says about it. */
  serverWords: string[]
}

export function newResult(uri: string): CallResult {
  const none = { failedStage: null, relayed: '', gatherMilliseconds: null, connectMilliseconds: null, probesSent: 0 }
  return {
    uri,
    stage: 'waiting',
    ...none,
    roundTrips: [],
    bitsPerSecond: null,
    errors: [],
    reason: '',
    serverWords: [],
  }
}

export const STAGE_WORDS: Readonly<Record<CallStage, string>> = {
  waiting: 'Waiting',
  gathering: 'Asking for a relay',
  connecting: 'Calling through the relays',
  probing: 'Measuring round trips',
  filling: 'Measuring throughput',
  done: 'Works',
  failed: 'Failed',
  skipped: 'Not tested',
  cancelled: 'Cancelled',
}

export function isOver({ stage }: CallResult): boolean {
  return ['done', 'failed', 'skipped', 'cancelled'].includes(stage)
}

/** `turns:` over UDP is DTLS, which browsers do not speak. */
export function skipReason(uri: string): string {
  return /^turns:.*[?&]transport=udp/i.test(uri)
    ? 'Browsers do not speak TURN over DTLS. Other clients can use it.'
    : ''
}

/** `UDP`, `TCP`, `TLS`, `DTLS` */
export function transportOf(uri: string): string {
  const isTcp = /[?&]transport=tcp/i.test(uri)
  if (/^turns:/i.test(uri)) return /[?&]transport=udp/i.test(uri) ? 'DTLS' : 'TLS'
  return isTcp ? 'TCP' : 'UDP'
}

/** By the code of an icecandidateerror: what the server, or the browser itself (701), said. */
const ERROR_WORDS: Readonly<Record<number, string>> = {
  300: 'The server sends new clients to another one: it is full, or stopping.',
  400: 'The server found the request faulty.',
  401: 'The server refused the user name or the password.',
  403: 'The server forbids this.',
  431: 'The server refused the user name or the password (as an Expressway says it).',
  437: 'The server has another allocation on this port: try again.',
  438: 'The nonce was too old, and the new one did not help.',
  441: 'The allocation belongs to another user.',
  442: 'The server does not relay over this transport.',
  486: 'This user has as many relays as its quota allows.',
  508: 'The server has no relay left: the licence or the ports are used up, or it is stopping.',
}

export function explain({ errors, relayed, uri }: CallResult, stage: CallStage): string {
  const answered = errors.find(({ code }) => code in ERROR_WORDS)
  if (stage === 'gathering') {
    if (answered !== undefined) return ERROR_WORDS[answered.code]
    const isTls = transportOf(uri) === 'TLS'
    const certificate = isTls ? ' or this browser does not trust its certificate for that name,' : ''
    return `The browser cannot reach the server there:${certificate} ${isTls ? 'or ' : ''}a firewall or a wrong address is on the way.`
  }
  if (stage === 'connecting') {
    return `A relay was given (${relayed}), but the call through it did not stand: a firewall or NAT on the way lets requests through and stops what follows them, or the peer policy is in the way.`
  }
  return 'The call was cut off while it was measured.'
}

/** What of its report concerns this test: the newest of each reason. */
export function serverWordsOf(refusals: readonly WhyRefusal[]): string[] {
  const seen = new Map<string, string>()
  for (const { code, meaning, reason, remedy } of refusals) {
    if (reason === 'stale-nonce' || seen.has(reason)) continue
    seen.set(reason, `${sentence(meaning)} ${sentence(remedy)}${code === 0 ? '' : ` (${code}, ${reason})`}`)
  }
  return [...seen.values()]
}

export function lossOf({ probesSent, roundTrips }: CallResult): number {
  return probesSent === 0 ? 0 : 1 - roundTrips.length / probesSent
}

/** To be pasted somewhere. */
export function resultText(results: readonly CallResult[], time: string, user: string): string {
  const lines = results.map((result) => {
    const {
      bitsPerSecond,
      connectMilliseconds,
      errors,
      gatherMilliseconds,
      reason,
      relayed,
      roundTrips,
      serverWords,
      uri,
    } = result
    const facts = [`${STAGE_WORDS[result.stage]}: ${uri}`]
    if (relayed !== '') facts.push(`  relay ${relayed}, after ${milliseconds(gatherMilliseconds ?? 0)}`)
    if (connectMilliseconds !== null) facts.push(`  call stood after ${milliseconds(connectMilliseconds)}`)
    if (roundTrips.length > 0) {
      const [median, high] = [quantile(roundTrips, 0.5), quantile(roundTrips, 0.95)].map(milliseconds)
      facts.push(`  round trip median ${median}, p95 ${high}; loss ${lossText(result)}`)
    }
    if (bitsPerSecond !== null) facts.push(`  throughput ${bitRate(bitsPerSecond)}`)
    if (reason !== '') facts.push(`  ${reason}`)
    for (const words of serverWords) facts.push(`  the server says: ${words}`)
    for (const { code, text } of errors) facts.push(`  icecandidateerror ${code} ${text}`.trimEnd())
    return facts.join('\n')
  })
  return [`turnd, test from a browser, ${time}, user ${user}`, ...lines].join('\n')
}

export function lossText(result: CallResult): string {
  const loss = lossOf(result) * 100
  return `${loss === 0 || loss === 100 ? loss : loss.toFixed(1)} % (${result.probesSent - result.roundTrips.length} of ${result.probesSent})`
}
