// What a Data indication with an ICMP attribute says (RFC 8656 §11.5, §18.13). Used by the sections about ICMP and DONT-FRAGMENT.
import { ATTRIBUTE_ICMP, ATTRIBUTE_XOR_PEER_ADDRESS, CLASS_INDICATION } from '../../src/stun/constants.js'
import { ReceivedMessage } from '../support/received-message.js'
import type { TurnClient } from '../support/turn-client.js'

const CODE_BITS = 9
const CODE_MASK = (1 << CODE_BITS) - 1

export interface IcmpReport {
  /** The transport address that the datagram was for. */
  readonly peer: string
  readonly type: number
  readonly code: number
  /** The MTU, where the error is about one. */
  readonly data: number
}

/** The next thing to arrive, which must be such an indication. */
export async function nextIcmpReport(client: TurnClient): Promise<IcmpReport> {
  return icmpReportOf(await client.inbox.next())
}

/** Throws for anything else. */
export function icmpReportOf(frame: Buffer): IcmpReport {
  if (frame[0] >= 0x40) throw new Error(`ChannelData in place of an indication: ${frame.toString('hex', 0, 64)}`)
  const message = new ReceivedMessage(frame)
  const types = message.types.join()
  if (message.method !== 'Data' || message.messageClass !== CLASS_INDICATION) throw new Error(`no Data indication`)
  if (types !== `${ATTRIBUTE_XOR_PEER_ADDRESS},${ATTRIBUTE_ICMP}`) throw new Error(`attributes ${types}`)
  const value = message.value(ATTRIBUTE_ICMP)
  if (value.length !== 8 || value.readUInt16BE() !== 0) throw new Error(`ICMP ${value.toString('hex')}`)
  const typeAndCode = value.readUInt16BE(2)
  const peer = message.address(ATTRIBUTE_XOR_PEER_ADDRESS).toString()
  return { peer, type: typeAndCode >> CODE_BITS, code: typeAndCode & CODE_MASK, data: value.readUInt32BE(4) }
}
