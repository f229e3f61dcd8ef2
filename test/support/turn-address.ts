// Transport addresses from text, for tests.
import { hostAddress, TransportAddress } from '../../src/stun/address.js'

/** `1.2.3.4`, `1.2.3.4:5000`, `2a00::1` or `[2a00::1]:5000`, with its host set, as engines hand addresses to the core. */
export function addressOf(text: string): TransportAddress {
  const bracketed = /^\[(.*)\]:(\d+)$/.exec(text)
  const dotted = /^([\d.]+):(\d+)$/.exec(text)
  const [, host, port] = bracketed ?? dotted ?? [text, text, '0']
  const address = hostAddress(host, Number(port))
  if (address === null) throw new Error(`not an address: ${text}`)
  address.host = host
  return address
}

/** The same IP address with another port. */
export function atPort(address: TransportAddress | string, port: number): TransportAddress {
  const copy = new TransportAddress().copyFrom(typeof address === 'string' ? addressOf(address) : address)
  copy.port = port
  return copy
}
