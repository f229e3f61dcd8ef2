// What a core has for TCP relays (RFC 6062), where clients come over streams: the connections of its allocations to their peers, and the
// pairs that it has bound, for its own allocations and for those of other workers.
import type { BandwidthLimits } from './bandwidth-limits.js'
import { ConnectionSlots } from './connection-slots.js'
import type { ConnectionTable } from './connection-table.js'
import { DataConnections } from './data-connections.js'
import type { KeyedHash } from './keyed-hash.js'
import type { ConnectionOutput, RandomSource } from './output.js'
import { PeerConnections } from './peer-connections.js'

export class Connections {
  readonly output: ConnectionOutput
  readonly peers: PeerConnections
  readonly data: DataConnections

  constructor(
    output: ConnectionOutput,
    table: ConnectionTable,
    hash: KeyedHash,
    limits: BandwidthLimits,
    random: RandomSource,
  ) {
    this.output = output
    this.peers = new PeerConnections(output, table, new ConnectionSlots(table, random), hash)
    this.data = new DataConnections(output, table, hash, limits)
  }
}
