// A permission of an allocation (RFC 8656 §9), and the channel bindings of its peer (§12), with what the peer policy said of them last.
import type { TransportAddress } from '../stun/address.js'

/** What the peer policy said last, kept with what data is relayed by: one judgement serves a whole flow. Made by relay.ts. */
export abstract class Judged {
  /** The peer's port; -1 before the first judgement. */
  judgedPort = -1
  /** A PEER_ verdict. */
  judgedVerdict = 0
  /** PeerPolicy.generation of that judgement. */
  judgedGeneration = 0
}

export class Permission extends Judged {
  /** The peer's IP address; the port is 0. `host` is set: engines send to it. */
  readonly address: TransportAddress
  expiresAt = 0
  firstChannel: ChannelBinding | null = null
  nextSameHash: Permission | null = null

  constructor(address: TransportAddress) {
    super()
    this.address = address
  }
}

export class ChannelBinding extends Judged {
  readonly channelNumber: number
  readonly permission: Permission
  /** The peer as the client names it. */
  readonly peer: TransportAddress
  expiresAt = 0
  nextOfPermission: ChannelBinding | null = null

  constructor(channelNumber: number, permission: Permission, port: number) {
    super()
    this.channelNumber = channelNumber
    this.permission = permission
    this.peer = permission.address.clone()
    this.peer.port = port
  }
}
