// Stand-in.
export const FIRST_UNKNOWN = -1
export const FIRST_NEED_MORE = 0
export const FIRST_STUN = 1
export const FIRST_TLS = 2
export const FIRST_HTTP = 3
const METHODS = ['GET ', 'POST ', 'HEAD ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'TRACE ']

export function classifyFirstBytes(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return FIRST_NEED_MORE
  if (bytes[start] === 0x16) return FIRST_TLS
  if (bytes[start] <= 1) {
    const cookie = [0x21, 0x12, 0xa4, 0x42]
    for (let at = 4; at < 8; at++) {
      if (start + at >= end) return FIRST_NEED_MORE
      if (bytes[start + at] !== cookie[at - 4]) return FIRST_UNKNOWN
    }
    return FIRST_STUN
  }
  const text = Buffer.from(bytes).toString('latin1', start, end)
  if (METHODS.some((method) => text.startsWith(method))) return FIRST_HTTP
  return METHODS.some((method) => method.startsWith(text)) ? FIRST_NEED_MORE : FIRST_UNKNOWN
}
