// Somebody on the way between a client and a real server over UDP, who may change whatever passes (RFC 8489 §16.1.3).
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ATTRIBUTE_ERROR_CODE } from '../../src/stun/constants.js'
import type { Closing } from './closing.js'

export interface Attribute {
  readonly type: number
  readonly value: Buffer
}

/** What becomes of a message's attributes. @param count messages of this direction so far, this one included */
export type Meddle = (attributes: readonly Attribute[], count: number) => readonly Attribute[]

export interface MeddlingPath {
  readonly port: number
  /** What the server takes for the client's transport address. */
  readonly source: string
  /** What the client has sent, before it was changed. */
  readonly fromClient: readonly (readonly Attribute[])[]
}

const HEADER_LENGTH = 20
/** The class of an error, in a message's type (RFC 8489 §5). */
const ERROR_BITS = 0x0110

export async function openMeddlingPath(
  t: Closing,
  serverPort: number,
  { toClient = same, toServer = same }: { readonly toClient?: Meddle; readonly toServer?: Meddle },
): Promise<MeddlingPath> {
  const [near, far] = [createSocket('udp4'), createSocket('udp4')]
  t.teardown(() => {
    near.close()
    far.close()
  })
  near.bind(0, '127.0.0.1')
  far.connect(serverPort, '127.0.0.1')
  await Promise.all([once(near, 'listening'), once(far, 'connect')])
  const fromClient: (readonly Attribute[])[] = []
  let clientPort = 0
  let answerCount = 0
  near.on('message', (message, { port }) => {
    clientPort = port
    fromClient.push(attributesOf(message))
    far.send(changed(message, toServer, fromClient.length))
  })
  far.on('message', (message) => near.send(changed(message, toClient, ++answerCount), clientPort, '127.0.0.1'))
  return { port: near.address().port, source: `127.0.0.1:${far.address().port}`, fromClient }
}

function same(attributes: readonly Attribute[]): readonly Attribute[] {
  return attributes
}

function changed(message: Buffer, meddle: Meddle, count: number): Buffer {
  const kept = meddle(attributesOf(message), count)
  const attributes = kept.map(({ type, value }) => {
    const bytes = Buffer.alloc(4 + ((value.length + 3) & ~3))
    bytes.writeUInt16BE(type)
    bytes.writeUInt16BE(value.length, 2)
    value.copy(bytes, 4)
    return bytes
  })
  const whole = Buffer.concat([message.subarray(0, HEADER_LENGTH), ...attributes])
  whole.writeUInt16BE(whole.length - HEADER_LENGTH, 2)
  // Whoever puts an ERROR-CODE into an answer makes an error of it.
  if (kept.some(({ type }) => type === ATTRIBUTE_ERROR_CODE)) whole.writeUInt16BE(whole.readUInt16BE() | ERROR_BITS)
  return whole
}

function attributesOf(message: Buffer): Attribute[] {
  const attributes: Attribute[] = []
  for (let at = HEADER_LENGTH; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2)
    attributes.push({ type: message.readUInt16BE(at), value: Buffer.from(message.subarray(at + 4, at + 4 + length)) })
    at += 4 + ((length + 3) & ~3)
  }
  return attributes
}
