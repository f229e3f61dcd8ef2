// The calls of the lab: a guest in Chromium, outside, joins the space by the webbridge's page, and media goes both ways, over whichever way the firewall
// leaves. What was seen of each call is judged here, for the tests and for `npm run lab`.
import { stripVTControlCharacters } from 'node:util'
import type { Browser } from 'playwright-core'
import type { Closing } from '../support/closing.js'
import type { LogLine } from '../support/server-process.js'
import type { Deployment } from './deployment.js'
import { ALL_OPEN, type FirewallCounts, type Holes } from './firewall.js'
import { Guest, type GuestCall } from './guest.js'
import type { StandInLine } from './stand-in.js'
import { type Note, type Step, tellStory } from './story.js'
import { CALL_ID, CLIENT, CMS, PUBLIC, WEB_NAME } from './topology.js'
import type { WireFrame } from './wire.js'

export interface Way {
  /** By which the browser must reach its relay. */
  readonly name: 'udp' | 'tcp' | 'tls' | 'any'
  readonly title: string
  /** null: the firewall stays as it is, whoever has changed it. */
  readonly holes: Partial<Holes> | null
}

/** Whatever the firewall leaves now. */
export const AS_IT_IS: Way = { name: 'any', title: 'through the firewall as it is', holes: null }

export const WAYS: readonly Way[] = [
  { name: 'udp', title: 'over UDP 3478', holes: ALL_OPEN },
  { name: 'tcp', title: 'over TCP 3478, with UDP blocked', holes: { ...ALL_OPEN, udp: false } },
  {
    name: 'tls',
    title: 'over TLS 443, with everything else blocked',
    holes: { https: true, turnTcp: false, udp: false, relayRange: false },
  },
]

export interface CallRecord {
  readonly way: Way
  readonly startMs: number
  readonly endMs: number
  /** When media had flowed, or when it had failed. */
  readonly call: GuestCall
  /** The ends of all relays, by the edge's log: the browser has one over each way that is open. */
  readonly relays: readonly LogLine[]
  /** What the edge refused. */
  readonly refusals: readonly LogLine[]
  /** Of the stand-in, for this call. */
  readonly said: readonly StandInLine[]
  /** What came through the firewall meanwhile. */
  readonly passed: FirewallCounts
}

/** Of what the lab shows: what was seen, a line each, and whether it is as it should be. */
export interface Finding {
  readonly isGood: boolean
  readonly name: string
  readonly lines: readonly string[]
}

const LOG_MILLISECONDS_MAX = 60_000

export interface CallOptions {
  readonly way: Way
  readonly browser: Browser
  /** Of video that come back before the guest leaves, and packets of audio. */
  readonly frameCount: number
}

/** Resolves when the guest has left and his relays are gone. A call that fails is a record, too. */
export async function makeCall(
  t: Closing,
  lab: Deployment,
  { browser, frameCount, way }: CallOptions,
): Promise<CallRecord> {
  if (way.holes !== null) lab.firewall.open(way.holes)
  const before = lab.firewall.counts()
  const [edgeLines, bridgeLines] = [lab.server.logLines.length, lab.standIn.lines.length]
  const startMs = Date.now()
  const call = await callOf(t, browser, frameCount)
  const allocations = lab.server.logLines.slice(edgeLines).filter(({ event }) => event === 'allocation')
  const relays = call.state === 'connected' ? await Promise.all(allocations.map((line) => endOf(lab, line))) : []
  return {
    ...{ way, startMs, endMs: Date.now(), call, relays },
    refusals: lab.server.logLines.slice(edgeLines).filter(({ event }) => event === 'refusal'),
    said: lab.standIn.lines.slice(bridgeLines),
    passed: difference(lab.firewall.counts(), before),
  }
}

/** Until the guest has left. Where the page does not open, or does not do what it should, that is the problem. */
async function callOf(t: Closing, browser: Browser, frameCount: number): Promise<GuestCall> {
  let guest: Guest | null = null
  try {
    guest = await Guest.open(t, { url: `https://${WEB_NAME}/`, browser })
    const joined = await guest.join(CALL_ID)
    const call = joined.state === 'connected' ? await mediaOf(guest, frameCount) : joined
    if (call.state === 'connected') await guest.leave()
    return call
  } catch (error) {
    const [problem] = stripVTControlCharacters((error as Error).message).split('\n')
    return { state: 'failed', problem, number: 0, candidates: [], errors: [], pair: null, media: null, bridge: null }
  } finally {
    await guest?.close()
  }
}

/** Too little of it is what the call is like, too. */
function mediaOf(guest: Guest, frameCount: number): Promise<GuestCall> {
  return guest.media(frameCount).catch(() => guest.call())
}

/** The line of the edge's log that ends this allocation. */
async function endOf({ server }: Deployment, { client, relayed }: LogLine): Promise<LogLine> {
  const [relay] = relayed as readonly string[]
  const isEnd = (line: LogLine) =>
    line.event === 'allocation-deleted' && line.client === client && (line.relayed as readonly string[]).includes(relay)
  return server.waitForLog(isEnd, LOG_MILLISECONDS_MAX)
}

function difference(after: FirewallCounts, before: FirewallCounts): FirewallCounts {
  const names = Object.keys(after) as (keyof FirewallCounts)[]
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as FirewallCounts
}

/** Of a call that should have gone well. */
export function judgeCall(record: CallRecord, frameCount: number): Finding[] {
  const { call } = record
  const refused = refusedFinding(record)
  if (call.state !== 'connected') {
    const failed = { isGood: false, name: call.state, lines: [`the browser: ${call.problem}`, ...bridgeLines(record)] }
    return [failed, refused]
  }
  return [mediaFinding(call, frameCount), pairFinding(record), hairpinFinding(record), refused]
}

/** Of the log of the call bridge. */
function bridgeLines({ said }: CallRecord): string[] {
  return said.filter(({ event }) => event === 'log').map(({ text }) => String(text))
}

function mediaFinding({ bridge, media }: GuestCall, frameCount: number): Finding {
  const ends = [media, bridge]
  const isGood = ends.every(
    (end) =>
      end !== null &&
      [end.video.sent, end.video.received].every(({ frames }) => frames >= frameCount) &&
      [end.audio.sent, end.audio.received].every(({ packets }) => packets >= frameCount),
  )
  const lines = ends.map((end, index) => {
    const name = ['the browser', 'the call bridge'][index]
    if (end === null) return `${name} counts nothing`
    const [sent, received] = (['sent', 'received'] as const).map(
      (way) => `${way} ${end.video[way].frames} frames of video and ${end.audio[way].packets} packets of audio`,
    )
    return `${name} ${sent}, ${received}`
  })
  return { isGood, name: 'media both ways', lines }
}

/** By what the browser says, and what the edge has logged of the same relays. */
function pairFinding({ call: { pair }, relays, said, way }: CallRecord): Finding {
  const name = 'relay to relay'
  if (pair === null) return { isGood: false, name, lines: ['the browser has no pair of candidates'] }
  const { local, localAddress, relayProtocol, remote, remoteAddress } = pair
  const transportOf = (address: string) =>
    String(relays.find(({ relayed }) => (relayed as readonly string[]).includes(address))?.transport)
  const isGood =
    [local, remote].every((type) => type === 'relay') &&
    [localAddress, remoteAddress].every((address) => address.startsWith(`${PUBLIC}:`)) &&
    [relayProtocol, way.name === 'any' ? relayProtocol : way.name].every(
      (name) => name === transportOf(localAddress),
    ) &&
    transportOf(remoteAddress) === 'udp'
  const over = (address: string) => `${address}, over ${transportOf(address).toUpperCase()}`
  const lines = [
    `the browser's ${local} ${over(localAddress)}`,
    `the call bridge's ${remote} ${over(remoteAddress)}`,
    // Each side chooses for itself what it sends to.
    ...answeredAt(said).flatMap((address) =>
      address === localAddress ? [] : [`the call bridge sends to another relay of the browser's, ${over(address)}`],
    ),
  ]
  return { isGood, name, lines }
}

/** Which relay of the guest the call bridge chose, at last. */
function answeredAt(said: readonly StandInLine[]): string[] {
  const pair = said.findLast(({ event }) => event === 'pair')
  if (pair === undefined) return []
  const { address, port } = pair.remote as { readonly address: string; readonly port: number }
  return [`${address}:${port}`]
}

/** Relays of both sides had packets both ways, and nothing had to go out to the public address and be turned back. */
function hairpinFinding({ passed, relays }: CallRecord): Finding {
  const counts = [CLIENT, CMS].map((host) => {
    const own = relays.filter(({ client }) => String(client).startsWith(`${host}:`))
    const sum = (name: string) => own.reduce((total, line) => total + Number(line[name]), 0)
    return [sum('packetsFromClient'), sum('packetsToClient')]
  })
  const [browser, bridge] = counts.map(([from, to]) => `${from} packets in, ${to} out`)
  return {
    isGood: counts.flat().every((count) => count > 0) && passed.reflected === 0 && passed.relayRange === 0,
    name: 'hairpin in turnd',
    lines: [
      `from and to the browser: ${browser}; the call bridge: ${bridge}`,
      `at the firewall: ${passed.reflected} packets from the edge to ${PUBLIC}, ${passed.relayRange} in the relay range`,
    ],
  }
}

function refusedFinding({ refusals }: CallRecord): Finding {
  // Who has taken leave already may do so again.
  const bad = refusals.filter(({ method, reason }) => !(method === 'Refresh' && reason === 'no-allocation'))
  const counts = new Map<string, number>()
  // Each attempt has a port of its own.
  for (const text of bad.map(({ msg }) => String(msg).replace(/( at [\d.]+):\d+/, '$1'))) {
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const lines = [...counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`))
  return { isGood: bad.length === 0, name: 'refused', lines: lines.length === 0 ? ['nobody'] : lines }
}

/** What happened in it, of all that was on the wires. */
export function storyOf(record: CallRecord, frames: readonly WireFrame[]): Step[] {
  const own = frames.filter(({ timeMs }) => timeMs >= record.startMs && timeMs <= record.endMs)
  return tellStory(own, notesOf(record))
}

/** What the two servers had to say of it. */
function notesOf({ refusals, said }: CallRecord): Note[] {
  const ofBridge = said.filter(({ event }) => event === 'log')
  return [
    ...ofBridge.map(({ text, time }) => ({
      timeMs: Date.parse(String(time)),
      party: 'cms' as const,
      text: String(text),
    })),
    ...refusals.map(({ reason, time, user }) => ({
      ...{ timeMs: Date.parse(String(time)), party: 'edge' as const },
      text: `refused ${JSON.stringify(user)}: ${reason}`,
    })),
  ]
}
