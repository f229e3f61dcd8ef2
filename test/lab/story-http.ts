// What the browser asked the webbridge for: the edge passes it on over the inside network, where it is plain, with the name of whom it is for.
import type { Step } from './story.js'
import { CLIENT, CMS } from './topology.js'
import type { WireFrame } from './wire.js'

const REQUEST = /^(GET|POST|PUT|DELETE|HEAD) (\S+) HTTP\/1\.1\r\n/
const ANSWER = /^HTTP\/1\.1 (\d{3})/
const ID = /[0-9a-f]{8}-[0-9a-f-]{27}/

interface Asked {
  readonly timeMs: number
  readonly text: string
  status: string
}

/** A step for each request, with the status of its answer. */
export function httpSteps(frames: readonly WireFrame[]): Step[] {
  const asked: Asked[] = []
  /** By connection: what has no answer yet. */
  const open = new Map<string, Asked[]>()
  for (const { from, payload, place, stream, timeMs, to, transport } of frames) {
    if (place !== 'inside' || transport !== 'tcp' || payload.length === 0) continue
    const head = payload.toString('latin1', 0, 4096)
    const [, method, path = ''] = REQUEST.exec(head) ?? []
    if (to.host === CMS && method !== undefined && forwardedFor(head) === CLIENT) {
      const one = { timeMs, text: `${method} ${path.replace(ID, '…')}`, status: 'no answer' }
      asked.push(one)
      open.set(stream, [...(open.get(stream) ?? []), one])
    }
    const [, status] = ANSWER.exec(head) ?? []
    const answered = from.host === CMS && status !== undefined ? open.get(stream)?.shift() : undefined
    if (answered !== undefined) answered.status = status
  }
  return asked.map(({ status, text, timeMs }) => ({
    timeMs,
    arrows: [{ from: 'browser', to: 'cms', text: `HTTPS: ${text} → ${status}` }],
  }))
}

/** Payload types of RTP by number, as the browser's offer names them: opus, VP8. */
export function payloadTypes(frames: readonly WireFrame[]): ReadonlyMap<number, string> {
  const types = new Map<number, string>()
  const said = frames.filter(({ place, to, transport }) => place === 'inside' && transport === 'tcp' && to.host === CMS)
  const text = said.map(({ payload }) => payload.toString('latin1')).join('')
  for (const [, number, name] of text.matchAll(/a=rtpmap:(\d+) ([A-Za-z0-9-]+)\//g)) types.set(Number(number), name)
  return types
}

function forwardedFor(head: string): string {
  return /\r\nx-forwarded-for: ([^\r,]+)/i.exec(head)?.[1] ?? ''
}
