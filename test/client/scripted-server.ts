// A TURN server that does what a test says, over UDP and TCP: for what no real one can be made to do, and for hostile ones.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { md5Key } from '../../src/auth/credentials.js'
import type { ClientTransport } from '../../src/client/transport.js'
import { openTransport } from '../../src/client/transport.js'
import { TurnClient, type TurnClientOptions } from '../../src/client/turn-client.js'
import { hostAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_ERROR,
  CLASS_SUCCESS,
} from '../../src/stun/constants.js'
import { decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import type { Closing } from '../support/closing.js'

export const USER = { username: 'alice', password: 'correct horse' }
export const REALM = 'script'
export const KEY = md5Key(USER.username, REALM, USER.password)

/** Called for each frame; what it returns is sent, in that order. @param count of requests so far, this one included */
export type Script = (request: MessageView, count: number) => Uint8Array[]

export interface ScriptedServer {
  readonly requests: MessageView[]
  /** A client of it over UDP or TCP, closed when `t` ends. */
  connect(options?: TurnClientOptions): Promise<TurnClient>
}

const ADDRESS = hostAddress('192.0.2.7', 50_000)!

export async function scriptedUdp(t: Closing, script: Script): Promise<ScriptedServer> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const requests: MessageView[] = []
  socket.on('message', (datagram, { address, port }) => {
    requests.push(viewOf(datagram))
    for (const answer of script(requests[requests.length - 1], requests.length)) socket.send(answer, port, address)
  })
  return { requests, connect: (options) => connect(t, 'udp', socket.address().port, options) }
}

/** @param isDeaf it reads nothing at all */
export async function scriptedTcp(t: Closing, script: Script, isDeaf = false): Promise<ScriptedServer> {
  const requests: MessageView[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (isDeaf) return
    socket.on('data', (chunk) => {
      for (const request of requestsIn(chunk)) {
        requests.push(viewOf(request))
        for (const answer of script(requests[requests.length - 1], requests.length)) socket.write(answer)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { requests, connect: (options) => connect(t, 'tcp', (server.address() as AddressInfo).port, options) }
}

async function connect(
  t: Closing,
  transport: 'udp' | 'tcp',
  port: number,
  options: TurnClientOptions = { credentials: USER, answerMilliseconds: 400 },
): Promise<TurnClient> {
  const opened: ClientTransport = await openTransport({ transport, host: '127.0.0.1', port })
  const client = new TurnClient(opened, options)
  t.teardown(() => client.close())
  return client
}

/** An answer to this request; `describe` writes what is in it, and signs it. */
export function answer(
  request: MessageView,
  isError: boolean,
  describe: (writer: MessageWriter) => void = () => {},
): Uint8Array {
  const bytes = new Uint8Array(8_192)
  const messageClass = isError ? CLASS_ERROR : CLASS_SUCCESS
  const writer = new MessageWriter().begin(bytes, 0, messageClass, request.method, request.bytes, 8)
  describe(writer)
  return bytes.subarray(0, writer.finish())
}

export function challenge(request: MessageView, code = 401, nonce = 'nonce'): Uint8Array {
  return answer(request, true, (writer) => {
    writer.writeErrorCode(code).writeText(ATTRIBUTE_REALM, REALM).writeText(ATTRIBUTE_NONCE, nonce)
  })
}

/** A success of Allocate, or of anything else that needs less. */
export function granted(request: MessageView, key: Uint8Array | null = KEY): Uint8Array {
  return answer(request, false, (writer) => {
    writer.writeXorAddress(ATTRIBUTE_XOR_RELAYED_ADDRESS, ADDRESS)
    writer.writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, ADDRESS)
    writer.writeUint32(ATTRIBUTE_LIFETIME, 600)
    if (key !== null) writer.writeMessageIntegrity(key)
  })
}

/** Requests that are sent at once come in one piece; none is cut in two. */
function* requestsIn(chunk: Buffer): Generator<Buffer> {
  for (let start = 0; start < chunk.length; ) {
    const end = start + 20 + chunk.readUInt16BE(start + 2)
    yield chunk.subarray(start, end)
    start = end
  }
}

function viewOf(bytes: Buffer): MessageView {
  const view = new MessageView()
  decodeMessage(view, Buffer.from(bytes), 0, bytes.length)
  return view
}
