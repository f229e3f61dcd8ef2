// Tells by the first bytes of a connection what its client speaks: STUN, TLS or HTTP share a port (RFC 7983 §7, extended by HTTP).
// A first message is never ChannelData, because there can be no channel yet: that leaves the letters of HTTP's methods (0x41–0x5a) free.
import { MAGIC_COOKIE } from '../../stun/constants.js'

/** What has come fits several; nothing else is said until one is certain, and then it stays. */
export const FIRST_NEED_MORE = 0
export const FIRST_STUN = 1
export const FIRST_TLS = 2
export const FIRST_HTTP = 3
/** None of them, whatever follows. */
export const FIRST_UNKNOWN = -1

const TLS_HANDSHAKE = 0x16
const TLS_MAJOR_VERSION = 3
/** The first byte of a request of any method of STUN and TURN is 0x00; 0x01 is that of answers, which are framed and then ignored. */
const STUN_FIRST_BYTE_MAX = 0x01
const COOKIE_START = 4
const COOKIE_END = 8

/**
 * The methods of RFC 9110 and RFC 5789 (PATCH), and of WebDAV (RFC 4918, 3253, 5323), which web servers that hold files speak. Not CONNECT, because
 * this is no forward proxy, nor TRACE, which only shows a script the headers that a browser hides from it.
 */
const METHODS = 'GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH'
  .split(' ')
  .map((name) => Uint8Array.from(`${name} `, (letter) => letter.charCodeAt(0)))

/** The longest start that still needs more: all but the space of the longest method. */
export const FIRST_LENGTH_MAX = Math.max(COOKIE_END, ...METHODS.map(({ length }) => length))

/** Returns a FIRST_ value. `start` is where the connection begins (after a PROXY header). Never throws. */
export function classifyFirstBytes(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return FIRST_NEED_MORE
  const first = bytes[start]
  if (first <= STUN_FIRST_BYTE_MAX) return classifyStun(bytes, start, end)
  if (first === TLS_HANDSHAKE) return classifyTls(bytes, start, end)
  return classifyMethod(bytes, start, end)
}

function classifyStun(bytes: Uint8Array, start: number, end: number): number {
  const known = Math.min(end, start + COOKIE_END)
  for (let at = start + COOKIE_START; at < known; at++) {
    const shift = 8 * (COOKIE_END - 1 - (at - start))
    if (bytes[at] !== ((MAGIC_COOKIE >>> shift) & 0xff)) return FIRST_UNKNOWN
  }
  return end - start >= COOKIE_END ? FIRST_STUN : FIRST_NEED_MORE
}

function classifyTls(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return FIRST_NEED_MORE
  return bytes[start + 1] === TLS_MAJOR_VERSION ? FIRST_TLS : FIRST_UNKNOWN
}

/** No method is the start of another one, because each ends with its space. */
function classifyMethod(bytes: Uint8Array, start: number, end: number): number {
  for (const method of METHODS) {
    const length = Math.min(method.length, end - start)
    let matched = 0
    while (matched < length && bytes[start + matched] === method[matched]) matched++
    if (matched === method.length) return FIRST_HTTP
    if (matched === end - start) return FIRST_NEED_MORE
  }
  return FIRST_UNKNOWN
}
