// What a client reads from answers (RFC 8489, RFC 8656 §7.3), and writes into an Allocate. Answers of hostile servers are read like others: what is
// missing or malformed is a ClientError `bad-answer`.
import { CLIENT_TEXT_LENGTH_MAX } from '../limits/clients.js'
import { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_ALTERNATE_DOMAIN,
  ATTRIBUTE_ALTERNATE_SERVER,
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_MAPPED_ADDRESS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_ERROR,
  methodName,
  TRANSPORT_PROTOCOL_UDP,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import type { MessageWriter } from '../stun/writer.js'
import { ClientError, StunError } from './client-error.js'
import type { Exchange } from './transactions.js'

export interface BindingResult {
  /** Where the server sees the client. */
  readonly mapped: TransportAddress
  readonly exchange: Exchange
}

export interface AllocateOptions {
  /** Of the relayed transport address; the server's choice, IPv4 most often, if absent. */
  readonly family?: 4 | 6
}

export interface Allocation {
  /** The relayed transport address. */
  readonly relayed: TransportAddress
  /** Where the server sees the client; null if it does not say. */
  readonly mapped: TransportAddress | null
  readonly lifetimeSeconds: number
  /** The last request and its answer. */
  readonly exchange: Exchange
}

export function describeAllocate(writer: MessageWriter, { family }: AllocateOptions): void {
  writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, TRANSPORT_PROTOCOL_UDP << 24)
  if (family !== undefined) writer.writeFamily(ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family)
}

export function readAllocation(exchange: Exchange): Allocation {
  const { answer } = exchange
  const at = answer.find(ATTRIBUTE_XOR_RELAYED_ADDRESS)
  if (at < 0) throw bad(answer, 'no relayed address')
  const relayed = new TransportAddress()
  if (!answer.readXorAddress(at, relayed)) throw bad(answer, 'a malformed relayed address')
  return { relayed, mapped: addressIn(answer), lifetimeSeconds: lifetimeOf(answer), exchange }
}

export function mappedAddressOf(answer: MessageView): TransportAddress {
  const address = addressIn(answer)
  if (address === null) throw bad(answer, 'no mapped address')
  return address
}

export function lifetimeOf(answer: MessageView): number {
  const seconds = answer.readUint32(answer.find(ATTRIBUTE_LIFETIME))
  if (seconds < 0) throw bad(answer, 'no lifetime')
  return seconds
}

export function softwareOf(answer: MessageView): string {
  return textOf(answer, ATTRIBUTE_SOFTWARE)
}

/** The answer as an error; null if it is a success. */
export function errorOf(answer: MessageView): StunError | null {
  if (answer.messageClass !== CLASS_ERROR) return null
  const index = answer.find(ATTRIBUTE_ERROR_CODE)
  const number = answer.readErrorCode(index)
  if (number < 0) throw bad(answer, 'an error without a code')
  const alternate = new TransportAddress()
  const hasAlternate = answer.readAddress(answer.find(ATTRIBUTE_ALTERNATE_SERVER), alternate)
  return new StunError({
    method: methodName(answer.method),
    number,
    reasonPhrase: shortened(Buffer.from(answer.readBytes(index).subarray(4)).toString('utf8')),
    realm: textOf(answer, ATTRIBUTE_REALM),
    alternateServer: hasAlternate ? alternate.toString() : '',
    alternateDomain: textOf(answer, ATTRIBUTE_ALTERNATE_DOMAIN),
  })
}

/** XOR-MAPPED-ADDRESS, else the MAPPED-ADDRESS of older servers. */
function addressIn(answer: MessageView): TransportAddress | null {
  const address = new TransportAddress()
  if (answer.readXorAddress(answer.find(ATTRIBUTE_XOR_MAPPED_ADDRESS), address)) return address
  return answer.readAddress(answer.find(ATTRIBUTE_MAPPED_ADDRESS), address) ? address : null
}

function textOf(answer: MessageView, type: number): string {
  return shortened(answer.readText(answer.find(type)))
}

function shortened(text: string): string {
  return text.length > CLIENT_TEXT_LENGTH_MAX ? `${text.slice(0, CLIENT_TEXT_LENGTH_MAX)}…` : text
}

function bad(answer: MessageView, what: string): ClientError {
  return new ClientError('bad-answer', `the server answers ${methodName(answer.method)} with ${what}`)
}
