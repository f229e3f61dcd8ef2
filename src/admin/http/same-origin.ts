// Against cross-site requests: a browser sends the cookie by itself, so what changes something must show that our own page asked for it.
import type { IncomingHttpHeaders } from 'node:http'
import { AdminProblem } from '../administered.js'

/** Whether a browser says where a request comes from, and whether that is here. */
export type RequestOrigin = 'same' | 'other' | 'unknown'

export function originOf(headers: IncomingHttpHeaders, isSecure: boolean): RequestOrigin {
  const site = headers['sec-fetch-site']
  // `none`: typed by the user, which no script can do; but nothing that changes something is asked for in that way.
  if (site !== undefined) return site === 'same-origin' ? 'same' : 'other'
  if (headers.origin === undefined) return 'unknown'
  return headers.origin === `${isSecure ? 'https' : 'http'}://${headers.host}` ? 'same' : 'other'
}

/** Throws an AdminProblem. @param hasCookie it is the browser that says who asks, not its user */
export function checkSameOrigin(headers: IncomingHttpHeaders, isSecure: boolean, hasCookie: boolean): void {
  const origin = originOf(headers, isSecure)
  if (origin === 'same' || (origin === 'unknown' && !hasCookie)) return
  throw new AdminProblem(
    403,
    'CROSS_ORIGIN',
    'this request comes from another site, or does not say from which: use the page of this server, or Authorization: Bearer TOKEN instead of the cookie',
  )
}
