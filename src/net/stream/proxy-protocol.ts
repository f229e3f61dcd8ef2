// Stand-in.
import { formatHost, parseHost, type TransportAddress } from '../../stun/address.js'

export const PROXY_NEED_MORE = 0
export const PROXY_INVALID = -1

export interface ProxyHeader {
  isLocal: boolean
  readonly source: TransportAddress
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export function decodeProxyHeader(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  const buffer = Buffer.from(bytes).subarray(start, end)
  if (buffer.subarray(0, 12).equals(SIGNATURE.subarray(0, buffer.length))) {
    if (buffer.length < 16) return PROXY_NEED_MORE
    const length = 16 + buffer.readUInt16BE(14)
    if (buffer.length < length) return PROXY_NEED_MORE
    header.isLocal = (buffer[12] & 15) === 0
    if (!header.isLocal) {
      header.source.setIPv4(buffer.readInt32BE(16), buffer.readUInt16BE(24))
      header.source.host = formatHost(header.source)
    }
    return length
  }
  const text = buffer.toString('latin1', 0, Math.min(buffer.length, 107))
  if (!text.startsWith('PROXY '.slice(0, text.length))) return PROXY_INVALID
  const lineEnd = text.indexOf('\r\n')
  if (lineEnd < 0) return text.length < 107 ? PROXY_NEED_MORE : PROXY_INVALID
  const parts = text.slice(0, lineEnd).split(' ')
  header.isLocal = parts[1] === 'UNKNOWN'
  if (!header.isLocal) {
    if (!parseHost(parts[2], header.source, Number(parts[4]))) return PROXY_INVALID
    header.source.host = formatHost(header.source)
  }
  return lineEnd + 2
}
