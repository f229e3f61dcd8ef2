// The request being handled: one object per core, filled anew for each. What an answer needs later (Allocate waits for its
// sockets) is copied into an Exchange of its own.
import type { TokenSession } from '../auth/token-session.js'
import { ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER } from '../stun/constants.js'
import { MessageView } from '../stun/message.js'
import type { Allocation } from './allocation.js'
import { FiveTuple } from './five-tuple.js'
import type { ClientWay } from './mobility.js'

/** What it takes to answer a request: to whom, for which transaction, with which integrity. */
export class Exchange {
  client = new FiveTuple()
  method = 0
  transactionIdBytes: Uint8Array = new Uint8Array(12)
  transactionIdStart = 0
  hasFingerprint = false
  /** How often the client says that it has sent the request (RFC 7982 §3.2), which its answer says again; -1: it does not say. */
  transmitCount = -1
  /** The claimed user name, '' before authentication. */
  username = ''
  /** Whose quotas and bandwidth it counts for, once it is authentic: the user name, or its user part (Credential.account). */
  account = ''
  /** The key of the answer's integrity and its variant (INTEGRITY_ of the authenticator); null: the answer has none. */
  key: Uint8Array | null = null
  integrity = 0
  /** Another worker has received it, and found it authentic (RFC 8016). */
  isForwarded = false
  /** Of the access token that verified it (RFC 7635); null for users. */
  session: TokenSession | null = null
  /** By how much that was late, if that is why it is refused. */
  overdueSeconds = 0

  isSameTransaction(other: Exchange): boolean {
    for (let index = 0; index < 12; index++) {
      const byte = other.transactionIdBytes[other.transactionIdStart + index]
      if (this.transactionIdBytes[this.transactionIdStart + index] !== byte) return false
    }
    return true
  }

  /** A copy that outlives the request. */
  keep(): Exchange {
    const kept = new Exchange()
    kept.client.copyFrom(this.client)
    kept.method = this.method
    kept.transactionIdBytes = this.transactionIdBytes.slice(this.transactionIdStart, this.transactionIdStart + 12)
    kept.hasFingerprint = this.hasFingerprint
    kept.transmitCount = this.transmitCount
    kept.username = this.username
    kept.account = this.account
    kept.key = this.key
    kept.integrity = this.integrity
    kept.session = this.session
    return kept
  }
}

export class Request {
  readonly message = new MessageView()
  readonly exchange = new Exchange()
  /** The allocation of the 5-tuple; null for Binding, and for an Allocate that makes one. */
  allocation: Allocation | null = null
  /** The allocation's, if the 5-tuple is not its own but one that it may have moved to (RFC 8016). */
  way: ClientWay | null = null

  /** `message` has just been decoded. */
  begin(client: FiveTuple): void {
    const { message, exchange } = this
    exchange.client = client
    exchange.method = message.method
    exchange.transactionIdBytes = message.bytes
    exchange.transactionIdStart = message.transactionIdStart
    exchange.hasFingerprint = message.fingerprintStart >= 0
    exchange.transmitCount = message.readUint8(message.find(ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER), 2)
    exchange.username = ''
    exchange.account = ''
    exchange.key = null
    exchange.integrity = 0
    exchange.isForwarded = false
    exchange.session = null
    exchange.overdueSeconds = 0
    this.allocation = null
    this.way = null
  }
}
