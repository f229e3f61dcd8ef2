// A way through a relay that is none: packets of a measurement come back as a test says.
import type { RelayPath } from '../../src/client/probe/relay-path.js'

/** A path that does with each packet what `carry` says, on the next turn of the loop. */
export function madePath(
  carry: (packet: Buffer, count: number, deliver: (packet: Uint8Array) => void) => void,
): RelayPath {
  let count = 0
  const path: RelayPath = {
    kind: 'relay-to-relay',
    reach: null,
    onPacket: () => {},
    onFault: () => {},
    send: (packet) => {
      const copy = Buffer.from(packet)
      const number = count++
      setImmediate(() => carry(copy, number, (arrived) => path.onPacket(arrived)))
      return true
    },
    close: async () => {},
  }
  return path
}
