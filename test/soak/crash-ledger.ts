// What the crash's datagrams say and what is made of those that arrive. Each names the client that it is of, and every receiver knows whose it may be: a
// client takes only its own, a peer only its client's. The peers of some clients share one address and port, as those behind one conference bridge do.
import { CHANNEL_DATA_HEADER_LENGTH } from '../../src/stun/channel-data.js'
import { ATTRIBUTE_DATA } from '../../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'

const MARK = 0x63726173
const WORD_COUNT = 16
const PAYLOAD_LENGTH = 4 * WORD_COUNT
const OWNER_WORD = 1
const KIND_WORD = 2

/** Of every client, to its only peer. */
export const CHANNEL = 0x4000

export const MEDIA = 1
/** Its peer returns it. */
export const ECHO = 2
/** Of an allocation that has gone with the server: it must arrive nowhere. */
export const STALE = 3
/** From a peer that still sends to where the relay was before the crash. */
export const BELATED = 4

export class CrashLedger {
  /** Payloads that came to a client and are of another one: through a permission for a peer's address that is its own, or that several share. */
  readonly foreign = { ofOwnPeers: 0, ofSharedPeers: 0 }
  /** Clients that such a one came to. */
  readonly receiversOfForeign = new Set<number>()
  /** Payloads that came to a peer and are of a client that it is no peer of. */
  crossedAtPeers = 0
  staleAtPeers = 0
  damaged = 0
  mediaToClients = 0
  mediaToPeers = 0
  /** Payloads for the old relay that reached their own client through the new one: the same port was drawn again. */
  belatedToOwner = 0
  readonly #sharesPeer: (client: number) => boolean
  readonly #view = new MessageView()

  constructor(sharesPeer: (client: number) => boolean) {
    this.#sharesPeer = sharesPeer
  }

  /** A frame that the server sent to this client, no answer. */
  takeAtClient(client: number, frame: Uint8Array): void {
    const payload = this.#payloadOf(frame)
    if (payload === null) return
    const words = wordsOf(payload)
    if (words === null) this.damaged++
    else if (words.owner !== client) {
      this.foreign[this.#sharesPeer(client) ? 'ofSharedPeers' : 'ofOwnPeers']++
      this.receiversOfForeign.add(client)
    } else if (words.kind === BELATED) this.belatedToOwner++
    else this.mediaToClients++
  }

  /** A datagram at the peer of `client`; -1 is the shared one. Returns whether it is to be returned. */
  takeAtPeer(client: number, payload: Uint8Array): boolean {
    const words = wordsOf(payload)
    if (words === null) {
      this.damaged++
      return false
    }
    const isRight = client === -1 ? this.#sharesPeer(words.owner) : words.owner === client
    if (!isRight) this.crossedAtPeers++
    if (words.kind === STALE) this.staleAtPeers++
    if (words.kind === MEDIA) this.mediaToPeers++
    return words.kind === ECHO
  }

  /** Of ChannelData or a Data indication; null for another message. */
  #payloadOf(frame: Uint8Array): Uint8Array | null {
    if (frame[0] >= 0x40) return frame.subarray(CHANNEL_DATA_HEADER_LENGTH)
    if (decodeMessage(this.#view, frame, 0, frame.length) !== DECODE_OK) return frame
    const index = this.#view.find(ATTRIBUTE_DATA)
    return index < 0 ? null : this.#view.readBytes(index)
  }
}

/** @param client whose it is */
export function crashPayload(client: number, kind: number, sequence: number): Uint8Array {
  const words = new Int32Array(WORD_COUNT).fill(sequence)
  words[0] = MARK
  words[OWNER_WORD] = client
  words[KIND_WORD] = kind
  return new Uint8Array(words.buffer)
}

function wordsOf(payload: Uint8Array): { readonly owner: number; readonly kind: number } | null {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  if (payload.length !== PAYLOAD_LENGTH || view.getInt32(0, true) !== MARK) return null
  return { owner: view.getInt32(4 * OWNER_WORD, true), kind: view.getInt32(4 * KIND_WORD, true) }
}
