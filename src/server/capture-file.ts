// The pcapng file of one capture, in memory: an interface for the client's side and one for the peers', and no more bytes than were asked for.
import { udpHeaders, upperPduTags } from '../admin/packet-headers.js'
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  LINK_TYPE_RAW,
  LINK_TYPE_UPPER_PDU,
  sectionHeader,
} from '../admin/pcapng.js'
import { CAPTURE_BYTES_MIN, CAPTURED_LENGTH_MAX } from '../limits/captures.js'
import { parseTransportAddress, TransportAddress } from '../stun/address.js'
import { type CapturedPacket, readRecords } from './worker/capture-records.js'
import type { CaptureTarget } from './worker/questions.js'

/** It grows from here, to what it may become. */
const FIRST_LENGTH = CAPTURE_BYTES_MIN
const CLIENT_SIDE = 0
const PEER_SIDE = 1
/** IPv6 and UDP, or tags: more than either takes. */
const HEADERS_LENGTH_MAX = 128
/** The one port on which Wireshark takes everything for TURN, whatever came before. */
const TURN_PORT = 3478

export class CaptureFile {
  packetCount = 0
  /** A packet found no room: the file has its size. */
  isFull = false
  readonly #bytesMax: number
  readonly #target: CaptureTarget
  readonly #local: TransportAddress
  readonly #relays: readonly TransportAddress[]
  /** null: the client's frames are as they were on the wire, in UDP. */
  readonly #dissector: string | null
  readonly #startTimeMs: number
  readonly #packetCounts = [0, 0]
  #bytes: Uint8Array = new Uint8Array(FIRST_LENGTH)
  #length = 0
  #isFinished = false
  readonly #endLength: number

  /** @param application what has written the file, with its version */
  constructor(application: string, target: CaptureTarget, startTimeMs: number, bytesMax: number) {
    this.#target = target
    this.#startTimeMs = startTimeMs
    this.#bytesMax = bytesMax
    this.#local = addressOf(target.local)
    this.#relays = target.relays.map(addressOf)
    this.#dissector = dissectorOf(target, this.#local)
    const snapLength = CAPTURED_LENGTH_MAX + HEADERS_LENGTH_MAX
    const { client, transport, user } = target
    this.#append(sectionHeader(application))
    this.#append(
      interfaceDescription({
        linkType: this.#dissector === null ? LINK_TYPE_RAW : LINK_TYPE_UPPER_PDU,
        name: 'client',
        description: `frames of ${client} (${user}), who is connected over ${transport}`,
        snapLength,
      }),
    )
    const description = `between the relay and peers of ${client} (${user})`
    this.#append(interfaceDescription({ linkType: LINK_TYPE_RAW, name: 'peers', description, snapLength }))
    this.#endLength = this.#ending(0, startTimeMs).length
  }

  /** With what stands at its end. */
  get length(): number {
    return this.#length + this.#endLength
  }

  /** Takes what finds room; after the first packet that finds none nothing more. */
  add(records: Uint8Array): void {
    for (const packet of readRecords(records)) {
      if (this.isFull) return
      const written = this.#write(packet)
      if (this.length + written.length > this.#bytesMax) {
        this.isFull = true
        return
      }
      this.#append(written)
      this.packetCount++
      this.#packetCounts[packet.isOfPeer ? PEER_SIDE : CLIENT_SIDE]++
    }
  }

  /** The whole file so far: a copy until it is finished, and the same bytes for everybody afterwards. */
  toBytes(lostCount: number, endTimeMs: number): Uint8Array {
    if (this.#isFinished) return this.#bytes
    return Buffer.concat([this.#bytes.subarray(0, this.#length), this.#ending(lostCount, endTimeMs)])
  }

  /** Nothing more will be added. */
  finish(lostCount: number, endTimeMs: number): void {
    this.#bytes = this.toBytes(lostCount, endTimeMs)
    this.#isFinished = true
  }

  #write(packet: CapturedPacket): Uint8Array {
    const { bytes, isInbound, isOfPeer, length, remote, timeMs } = packet
    const local = isOfPeer ? (this.#relays.find(({ family }) => family === remote.family) ?? NOWHERE) : this.#local
    const [from, to] = isInbound ? [remote, local] : [local, remote]
    const { transport } = this.#target
    const header =
      isOfPeer || this.#dissector === null
        ? udpHeaders(from, to, bytes, length)
        : upperPduTags(from, to, this.#dissector, transport === 'tcp' || transport === 'tls')
    return enhancedPacket({
      ...{ interfaceId: isOfPeer ? PEER_SIDE : CLIENT_SIDE, timeMs, isInbound },
      parts: [header, bytes],
      originalLength: header.length + length,
      comment: `${isOfPeer ? 'peer' : 'client'} ${remote}`,
    })
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(Math.max(2 * this.#bytes.length, length), this.#bytesMax))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  /** What was lost is told of the client's interface: what it was is not known. */
  #ending(lostCount: number, endTimeMs: number): Uint8Array {
    const statistics = [CLIENT_SIDE, PEER_SIDE].map((interfaceId) => {
      const droppedCount = interfaceId === CLIENT_SIDE ? lostCount : 0
      const receivedCount = this.#packetCounts[interfaceId] + droppedCount
      return interfaceStatistics({
        interfaceId,
        startTimeMs: this.#startTimeMs,
        endTimeMs,
        receivedCount,
        droppedCount,
      })
    })
    return Buffer.concat(statistics)
  }
}

const NOWHERE = new TransportAddress().setIPv4(0, 0)

function addressOf(text: string): TransportAddress {
  return parseTransportAddress(text) ?? NOWHERE
}

/**
 * Wireshark asks the lower port of a datagram first, and on others than TURN's it knows ChannelData only behind a STUN message. So what it
 * could take for something else is handed to the right dissector by name.
 */
function dissectorOf({ client, transport }: CaptureTarget, local: TransportAddress): string | null {
  if (transport === 'tcp' || transport === 'tls') return 'stun-tcp'
  const isOnTurnPort = local.port === TURN_PORT && addressOf(client).port > TURN_PORT
  return transport === 'udp' && isOnTurnPort ? null : 'stun-udp'
}
