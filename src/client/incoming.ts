// Frames that come from a server: data of peers, by the channels that are bound or in Data indications (RFC 8656 §11.3, §12.6), and what may be answers.
import { CLIENT_CHANNEL_COUNT_MAX } from '../limits/clients.js'
import { TransportAddress } from '../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, readChannelDataLength, readChannelNumber } from '../stun/channel-data.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CHANNEL_NUMBER_MIN,
  CLASS_ERROR,
  CLASS_INDICATION,
  CLASS_SUCCESS,
  METHOD_DATA,
} from '../stun/constants.js'
import { isFingerprintValid } from '../stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../stun/message.js'

export interface PeerData {
  readonly peer: TransportAddress
  /** A part of the frame. */
  readonly bytes: Uint8Array
}

export class Incoming {
  readonly #view = new MessageView()
  /** Of the channels that are bound. */
  readonly #peers = new Map<number, TransportAddress>()
  /** By the peer's text, bound or asked for: a refused one keeps its number, since the answer to an earlier request may have been lost. */
  readonly #numbers = new Map<string, number>()

  /** undefined unless it is bound. */
  channelOf(peer: TransportAddress): number | undefined {
    const number = this.#numbers.get(peer.toString())
    return number !== undefined && this.#peers.has(number) ? number : undefined
  }

  /** The same number for the same peer, and one that no other has. null: there are CLIENT_CHANNEL_COUNT_MAX others. */
  reserveChannel(peer: TransportAddress): number | null {
    const text = peer.toString()
    const reserved = this.#numbers.get(text)
    if (reserved !== undefined) return reserved
    if (this.#numbers.size >= CLIENT_CHANNEL_COUNT_MAX) return null
    const number = CHANNEL_NUMBER_MIN + this.#numbers.size
    this.#numbers.set(text, number)
    return number
  }

  addChannel(number: number, peer: TransportAddress): void {
    this.#peers.set(number, peer.clone())
  }

  /** null if the frame is no data, or of a channel that is not bound. */
  dataOf(frame: Uint8Array): PeerData | null {
    if (frame.length >= CHANNEL_DATA_HEADER_LENGTH && frame[0] >> 6 === 1) return this.#channelDataOf(frame)
    if (!this.#decode(frame)) return null
    const { messageClass, method } = this.#view
    if (messageClass !== CLASS_INDICATION || method !== METHOD_DATA) return null
    const peer = new TransportAddress()
    const data = this.#view.find(ATTRIBUTE_DATA)
    if (data < 0 || !this.#view.readXorAddress(this.#view.find(ATTRIBUTE_XOR_PEER_ADDRESS), peer)) return null
    return { peer, bytes: this.#view.readBytes(data) }
  }

  isAnswer(frame: Uint8Array): boolean {
    if (!this.#decode(frame)) return false
    const { fingerprintStart, messageClass } = this.#view
    if (messageClass !== CLASS_SUCCESS && messageClass !== CLASS_ERROR) return false
    return fingerprintStart < 0 || isFingerprintValid(this.#view)
  }

  #channelDataOf(frame: Uint8Array): PeerData | null {
    const peer = this.#peers.get(readChannelNumber(frame, 0))
    const end = CHANNEL_DATA_HEADER_LENGTH + readChannelDataLength(frame, 0)
    if (peer === undefined || end > frame.length) return null
    return { peer, bytes: frame.subarray(CHANNEL_DATA_HEADER_LENGTH, end) }
  }

  #decode(frame: Uint8Array): boolean {
    return decodeMessage(this.#view, frame, 0, frame.length) === DECODE_OK
  }
}
