// The two makers of TCP relays' sockets: each test is written once and registered for both.
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { NativePeerSockets } from '../../../src/net/tcp-relay/native-peer-sockets.js'
import { NodePeerSockets } from '../../../src/net/tcp-relay/node-peer-sockets.js'
import type { PeerSockets } from '../../../src/net/tcp-relay/peer-sockets.js'
import { withoutKoffi } from '../../support/engines.js'

export interface PeerSocketsUnderTest {
  readonly name: 'node' | 'native'
  /** For tap: false, or why this machine cannot run it. */
  readonly skip: string | false
  make(): PeerSockets
}

export const BOTH: readonly PeerSocketsUnderTest[] = [
  { name: 'node', skip: false, make: () => new NodePeerSockets() },
  { name: 'native', skip: withoutKoffi(), make: () => new NativePeerSockets(loadKoffi()) },
]
