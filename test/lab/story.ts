// What happened on the wires of the lab, as steps between four parties: names asked for, pages, requests to the TURN server and what became of them, and
// what flowed through the relays, counted. Nothing here knows what should have happened.

import { httpSteps } from './story-http.js'
import { turnSteps } from './story-turn.js'
import { CLIENT, EDGE_INSIDE, EDGE_OUTSIDE, HTTPS_PORT, PUBLIC } from './topology.js'
import type { Place, WireFrame } from './wire.js'

/** From left to right. The firewall has the outside resolver; the inside one is the edge's and the call bridge's business. */
export const PARTIES = ['browser', 'firewall', 'edge', 'cms'] as const
export type Party = (typeof PARTIES)[number]

export interface Arrow {
  readonly from: Party
  /** The same as `from`: a note there. */
  readonly to: Party
  text: string
  /** Things flow both ways. */
  readonly isTwoWay?: boolean
  /** It did not arrive. */
  readonly isLost?: boolean
}

export interface Step {
  readonly timeMs: number
  /** Side by side. */
  readonly arrows: readonly Arrow[]
}

/** Something else that is known: of a log, for example. */
export interface Note {
  readonly timeMs: number
  readonly party: Party
  readonly text: string
}

/** In order, from the browser's first step on. What is repeated is told once, with its number. */
export function tellStory(frames: readonly WireFrame[], notes: readonly Note[] = []): Step[] {
  const losses = new Losses(frames)
  const steps = [
    ...dnsSteps(frames),
    ...connectionSteps(frames, losses),
    ...httpSteps(frames),
    ...turnSteps(frames, losses),
    ...hairpinSteps(frames),
    ...notes.map(({ party, text, timeMs }) => ({ timeMs, arrows: [{ from: party, to: party, text }] })),
  ]
  steps.sort((one, other) => one.timeMs - other.timeMs)
  const first = steps.findIndex(({ arrows }) => arrows.some(({ from }) => from === 'browser'))
  return withoutRepetition(steps.slice(Math.max(first, 0)))
}

/** Which frames of the browser the firewall dropped: those that are not seen behind it. */
export class Losses {
  readonly #behind = new Map<string, number[]>()

  constructor(frames: readonly WireFrame[]) {
    for (const frame of frames.filter(({ place }) => place === 'behind')) {
      const times = this.#behind.get(flowOf(frame)) ?? []
      if (times.push(frame.timeMs) === 1) this.#behind.set(flowOf(frame), times)
    }
  }

  isLost(frame: WireFrame): boolean {
    if (frame.place !== 'outside' || frame.to.host !== PUBLIC) return false
    const times = this.#behind.get(flowOf(frame)) ?? []
    return !times.some((time) => time >= frame.timeMs - 1 && time <= frame.timeMs + PASSING_MILLISECONDS_MAX)
  }
}

/** Between the two sides of the firewall, of a machine that does much else. */
const PASSING_MILLISECONDS_MAX = 250

/** The translation changes one host, and no ports. */
function flowOf({ from, to, transport }: WireFrame): string {
  return `${transport} ${from.host}:${from.port} ${to.port}`
}

function dnsSteps(frames: readonly WireFrame[]): Step[] {
  return frames.flatMap(({ dns, place, timeMs }) => {
    const arrow = dns === null ? null : dnsArrow(dns, place)
    return arrow === null ? [] : [{ timeMs, arrows: [arrow] }]
  })
}

function dnsArrow({ addresses, isAnswer, question }: NonNullable<WireFrame['dns']>, place: Place): Arrow | null {
  // Browsers ask for names of their maker as well, which nobody here knows.
  if (!/\.octavio\.(?:com|local)$/.test(question)) return null
  const answer = addresses === '' ? 'no such name' : addresses
  if (place === 'inside') {
    return isAnswer ? { from: 'edge', to: 'edge', text: `inside DNS: ${question}` } : null
  }
  return isAnswer
    ? { from: 'firewall', to: 'browser', text: `DNS ${question.split('.')[0]}: ${answer}` }
    : { from: 'browser', to: 'firewall', text: `DNS ${question}?` }
}

/** TLS connections by the name that they ask for, and attempts that came nowhere. */
function connectionSteps(frames: readonly WireFrame[], losses: Losses): Step[] {
  return frames.flatMap((frame) => {
    const { from, isSyn, place, serverName, timeMs, to } = frame
    if (place !== 'outside' || from.host !== CLIENT) return []
    const arrow = (text: string, isLost = false) => [
      { timeMs, arrows: [{ from: 'browser', to: 'edge', text, isLost }] as const },
    ]
    if (serverName !== '') return arrow(`TLS ${HTTPS_PORT}: Client Hello to ${serverName}`)
    return isSyn && losses.isLost(frame) ? arrow(`TCP ${to.port}: connection attempt`, true) : []
  })
}

/** What the edge sends to its own public address would need NAT reflection. */
function hairpinSteps(frames: readonly WireFrame[]): Step[] {
  return frames
    .filter(({ from, place, to }) => place === 'behind' && from.host === EDGE_OUTSIDE && to.host === PUBLIC)
    .map(({ timeMs }) => ({
      timeMs,
      arrows: [{ from: 'edge', to: 'firewall', text: `to ${PUBLIC}: no reflection`, isLost: true }] as const,
    }))
}

function withoutRepetition(steps: readonly Step[]): Step[] {
  const counts = new Map<string, number>()
  const first = steps.filter(({ arrows }) => {
    const count = (counts.get(keyOf(arrows)) ?? 0) + 1
    counts.set(keyOf(arrows), count)
    return count === 1
  })
  return first.map(({ arrows, timeMs }) => {
    const count = counts.get(keyOf(arrows)) ?? 1
    return {
      timeMs,
      arrows: count === 1 ? arrows : arrows.map((arrow) => ({ ...arrow, text: `${arrow.text} ×${count}` })),
    }
  })
}

function keyOf(arrows: readonly Arrow[]): string {
  return JSON.stringify(arrows)
}

/** Of the leg between a client and the edge: which client, and in which direction it goes. */
export function legOf({
  from,
  place,
  to,
}: WireFrame): { readonly party: 'browser' | 'cms'; readonly isToEdge: boolean } | null {
  if (place === 'outside' && from.host === CLIENT && to.host === PUBLIC) return { party: 'browser', isToEdge: true }
  if (place === 'outside' && to.host === CLIENT && from.host === PUBLIC) return { party: 'browser', isToEdge: false }
  if (place === 'inside' && to.host === EDGE_INSIDE) return { party: 'cms', isToEdge: true }
  if (place === 'inside' && from.host === EDGE_INSIDE) return { party: 'cms', isToEdge: false }
  return null
}
