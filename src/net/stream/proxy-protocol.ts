// Decodes the PROXY header, by which a proxy in front tells the address of its client: versions 1 (a line of text) and 2 (binary), as in
// HAProxy's proxy-protocol.txt. The stream transports call it at the start of a connection from --proxy-protocol-from, and from nowhere else:
// whoever may send this header chooses the address that quotas, permissions and logs are about.
import { PROXY_V1_LENGTH_MAX, PROXY_V2_LENGTH_MAX } from '../../limits/messages.js'
import { FAMILY_IPV4, FAMILY_IPV6, formatHost, parseHost, TransportAddress } from '../../stun/address.js'

/** What has come is the start of a header. */
export const PROXY_NEED_MORE = 0
/** No header can start so, whatever follows: close the connection. */
export const PROXY_INVALID = -1

export class ProxyHeader {
  /** The connection is the proxy's own (a health check), or of a kind that has no TCP address: the socket's address counts. */
  isLocal = false
  /** The client, unless `isLocal`. An IPv4-mapped IPv6 address is told as the IPv4 address that it is. `host` is set. */
  readonly source = new TransportAddress()
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const PROXY_TCP4 = textBytes('PROXY TCP4 ')
const PROXY_TCP6 = textBytes('PROXY TCP6 ')
const PROXY_UNKNOWN = textBytes('PROXY UNKNOWN')
const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20

const COMMAND_LOCAL = 0x20
const COMMAND_PROXY = 0x21
const V2_HEAD_LENGTH = 16
const V2_FAMILY_INET = 1
const V2_FAMILY_INET6 = 2
const V2_PROTOCOL_STREAM = 1
const V2_PROTOCOL_MAX = 2
/** Bytes of addresses and ports by the family's number: unspecified, IPv4, IPv6, UNIX. */
const V2_ADDRESS_LENGTHS = [0, 12, 36, 216]

/** Returns the header's length and fills `header`, or PROXY_NEED_MORE, or PROXY_INVALID as soon as a byte tells. Never throws. */
export function decodeProxyHeader(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  if (start >= end) return PROXY_NEED_MORE
  return bytes[start] === SIGNATURE[0]
    ? decodeVersion2(bytes, start, end, header)
    : decodeVersion1(bytes, start, end, header)
}

function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}

/** Its length when it is all there, PROXY_NEED_MORE when that can still come, PROXY_INVALID when not. */
function matchPrefix(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): number {
  const length = Math.min(prefix.length, end - start)
  for (let index = 0; index < length; index++) if (bytes[start + index] !== prefix[index]) return PROXY_INVALID
  return length === prefix.length ? length : PROXY_NEED_MORE
}

function decodeVersion1(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  const tcp4 = matchPrefix(bytes, start, end, PROXY_TCP4)
  if (tcp4 > 0) return decodeLine(bytes, start, start + tcp4, end, FAMILY_IPV4, header)
  const tcp6 = matchPrefix(bytes, start, end, PROXY_TCP6)
  if (tcp6 > 0) return decodeLine(bytes, start, start + tcp6, end, FAMILY_IPV6, header)
  const unknown = matchPrefix(bytes, start, end, PROXY_UNKNOWN)
  if (unknown > 0) return decodeUnknown(bytes, start, start + unknown, end, header)
  return tcp4 === PROXY_INVALID && tcp6 === PROXY_INVALID && unknown === PROXY_INVALID ? PROXY_INVALID : PROXY_NEED_MORE
}

/** What follows UNKNOWN is ignored up to the CRLF, but it is separated, and a lone CR or LF ends no line. */
function decodeUnknown(bytes: Uint8Array, start: number, at: number, end: number, header: ProxyHeader): number {
  if (at === end) return PROXY_NEED_MORE
  if (bytes[at] !== SPACE && bytes[at] !== CR) return PROXY_INVALID
  const limit = Math.min(end, start + PROXY_V1_LENGTH_MAX)
  for (let index = at; index < limit; index++) {
    if (bytes[index] === LF) return PROXY_INVALID
    if (bytes[index] !== CR) continue
    if (index + 1 - start === PROXY_V1_LENGTH_MAX) return PROXY_INVALID
    if (index + 1 === end) return PROXY_NEED_MORE
    if (bytes[index + 1] !== LF) return PROXY_INVALID
    header.isLocal = true
    return index + 2 - start
  }
  return end - start >= PROXY_V1_LENGTH_MAX ? PROXY_INVALID : PROXY_NEED_MORE
}

/** `SOURCE DESTINATION SOURCE-PORT DESTINATION-PORT CRLF`; each is checked when what ends it has come. */
function decodeLine(
  bytes: Uint8Array,
  start: number,
  at: number,
  end: number,
  family: number,
  header: ProxyHeader,
): number {
  const source = new TransportAddress()
  const fields: string[] = []
  const limit = Math.min(end, start + PROXY_V1_LENGTH_MAX)
  let fieldStart = at
  for (let index = at; index < limit; index++) {
    const isLast = fields.length === 3
    if (bytes[index] !== (isLast ? CR : SPACE)) {
      if (!mayBeInField(bytes[index], fields.length, index - fieldStart, family)) return PROXY_INVALID
      continue
    }
    fields.push(String.fromCharCode(...bytes.subarray(fieldStart, index)))
    if (!isField(fields, family, source)) return PROXY_INVALID
    fieldStart = index + 1
    if (!isLast) continue
    if (fieldStart - start === PROXY_V1_LENGTH_MAX) return PROXY_INVALID
    if (fieldStart === end) return PROXY_NEED_MORE
    if (bytes[fieldStart] !== LF) return PROXY_INVALID
    setSource(header, source, Number(fields[2]))
    return fieldStart + 1 - start
  }
  return end - start >= PROXY_V1_LENGTH_MAX ? PROXY_INVALID : PROXY_NEED_MORE
}

// The longest textual addresses (the IPv6 one ends in a dotted IPv4 address, as inet_ntop writes mapped ones) and port.
const IPV4_TEXT_LENGTH_MAX = 15
const IPV6_TEXT_LENGTH_MAX = 45
const PORT_TEXT_LENGTH_MAX = 5

/** Whether a byte may be at `offset` in the field: the rest of what makes it valid is seen when it is whole. */
function mayBeInField(byte: number, fieldIndex: number, offset: number, family: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39
  if (fieldIndex > 1) return isDigit && offset < PORT_TEXT_LENGTH_MAX
  const isDot = byte === 0x2e
  if (family === FAMILY_IPV4) return (isDigit || isDot) && offset < IPV4_TEXT_LENGTH_MAX
  const isHex = isDigit || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
  return (isHex || isDot || byte === 0x3a) && offset < IPV6_TEXT_LENGTH_MAX
}

/** Checks the last field; the first one is also decoded into `source`. */
function isField(fields: readonly string[], family: number, source: TransportAddress): boolean {
  const text = fields[fields.length - 1]
  if (fields.length > 2) return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 0xffff
  const address = fields.length === 1 ? source : new TransportAddress()
  return parseHost(text, address) && address.family === family
}

function decodeVersion2(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  const signature = matchPrefix(bytes, start, end, SIGNATURE)
  if (signature <= 0) return signature
  let at = start + signature
  if (at === end) return PROXY_NEED_MORE
  const command = bytes[at++]
  if (command !== COMMAND_LOCAL && command !== COMMAND_PROXY) return PROXY_INVALID
  if (at === end) return PROXY_NEED_MORE
  const family = bytes[at] >> 4
  const protocol = bytes[at++] & 15
  const isProxied = command === COMMAND_PROXY
  if (isProxied && (family >= V2_ADDRESS_LENGTHS.length || protocol > V2_PROTOCOL_MAX)) return PROXY_INVALID
  if (at === end) return PROXY_NEED_MORE
  // The first byte of the length may tell alone that it is too long.
  const known = bytes[at] << 8
  if (V2_HEAD_LENGTH + known > PROXY_V2_LENGTH_MAX) return PROXY_INVALID
  if (at + 1 === end) return PROXY_NEED_MORE
  const length = V2_HEAD_LENGTH + (known | bytes[at + 1])
  if (length > PROXY_V2_LENGTH_MAX) return PROXY_INVALID
  // Addresses of a protocol that is unspecified are ignored, so they need not be there.
  if (isProxied && protocol !== 0 && length < V2_HEAD_LENGTH + V2_ADDRESS_LENGTHS[family]) return PROXY_INVALID
  if (end - start < length) return PROXY_NEED_MORE
  const isTcp = (family === V2_FAMILY_INET || family === V2_FAMILY_INET6) && protocol === V2_PROTOCOL_STREAM
  if (isProxied && isTcp) readSource(bytes, start + V2_HEAD_LENGTH, family, header)
  else header.isLocal = true
  return length
}

function readSource(bytes: Uint8Array, at: number, family: number, header: ProxyHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const source = new TransportAddress()
  if (family === V2_FAMILY_INET) source.setIPv4(view.getInt32(at), 0)
  else source.setIPv6(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12), 0)
  setSource(header, source, view.getUint16(at + (family === V2_FAMILY_INET ? 8 : 32)))
}

/** A mapped address is reduced here, once: rules and quotas must not know two names of one client. */
function setSource(header: ProxyHeader, source: TransportAddress, port: number): void {
  const isMapped = source.family === FAMILY_IPV6 && source.word0 === 0 && source.word1 === 0 && source.word2 === 0xffff
  header.isLocal = false
  header.source.copyFrom(source)
  if (isMapped) header.source.setIPv4(source.word3, 0)
  header.source.port = port
  header.source.host = formatHost(header.source)
}
