// What sender and receiver of a load agree on: its flows, the kinds of packets in each, and how they are framed.

/** `bare`: the payload alone; `channel`: ChannelData; `indication`: a Data (or Send) indication. */
export type Framing = 'bare' | 'channel' | 'indication'

/** Where the packets of one flow are sent, and how they must look on arrival. Words as struct sockaddr_in holds them. */
export interface Route {
  readonly toPortWord: number
  readonly toHostWord: number
  /** The address to send from; 0: the socket's own. */
  readonly fromHostWord: number
  /** What stands before a payload of this length: a ChannelData or STUN header. A multiple of 4 bytes. */
  readonly header: (payloadLength: number) => Uint8Array
  /** The source that the receiver must see. */
  readonly arrivalPortWord: number
  readonly arrivalHostWord: number
  readonly channelNumber: number
}

/** Packets of one kind within a flow: `burst` of them leave together. */
export interface StreamShape {
  readonly payloadLength: number
  readonly burst: number
}

/** Streams are numbered shape by shape: with 100 flows, stream 142 is the second shape of flow 42. */
export function streamShape(stream: number, flowCount: number, shapes: readonly StreamShape[]): StreamShape {
  return shapes[Math.floor(stream / flowCount)]
}
