// Parts of textual transport addresses: `1.2.3.4:5000`, `[2a00::1]:5000`.
import type { FiveTuple } from '../../src/turn/five-tuple.js'

export function hostOf(address: string): string {
  const end = address.lastIndexOf(':')
  return address.startsWith('[') ? address.slice(1, end - 1) : address.slice(0, end)
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

export function familyOf(address: string): 4 | 6 {
  return address.startsWith('[') ? 6 : 4
}

export function withPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A 5-tuple as the key of the model's tables. */
export function keyOf(fiveTuple: FiveTuple): string {
  return `${fiveTuple.client} ${fiveTuple.listenerId}/${fiveTuple.connectionId}`
}
