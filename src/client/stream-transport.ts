// TCP, and what TLS shares with it: frames are cut from a byte stream, and ChannelData is padded to 4 bytes (RFC 8656 §12.5).
import { connect, type Socket } from 'node:net'
import { CLIENT_BACKLOG_BYTES_MAX, CLIENT_CLOSE_MILLISECONDS_MAX } from '../limits/clients.js'
import { FRAME_LENGTH_MAX } from '../limits/messages.js'
import { formatHost, hostAddress, TransportAddress } from '../stun/address.js'
import { FrameAssembler } from '../stun/framing.js'
import { ClientError, socketError } from './client-error.js'
import type { PeerSecurity } from './peer-security.js'
import type { ClientTransport, OpenRequest } from './transport.js'

export async function openTcp(request: OpenRequest): Promise<ClientTransport> {
  return new StreamTransport('tcp', await connectTcp(request), request, null)
}

/** A connected socket without listeners. Rejects with a ClientError. */
export async function connectTcp({ address, deadline, localAddress, where }: OpenRequest): Promise<Socket> {
  const local = localAddress === undefined ? {} : { localAddress }
  const socket = connect({ host: formatHost(address), port: address.port, noDelay: true, ...local })
  try {
    await deadline.race(eventOf(socket, 'connect'), `${where}: no connection`)
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw socketError(error as Error, where)
  }
}

/** Resolves with the event, rejects with an error that comes first or an end; leaves no listener behind. */
export function eventOf(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null) => {
      socket.off(event, succeed).off('error', settle).off('close', end)
      if (error === null) resolve()
      else reject(error)
    }
    const succeed = () => settle(null)
    const end = () => settle(Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' }))
    socket.on(event, succeed).on('error', settle).on('close', end)
  })
}

export class StreamTransport implements ClientTransport {
  readonly kind: 'tcp' | 'tls'
  readonly isReliable = true
  readonly localAddress: TransportAddress
  readonly remoteAddress: TransportAddress
  readonly openMilliseconds: number
  readonly security: PeerSecurity | null
  onFrame: (frame: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  readonly #socket: Socket
  readonly #where: string
  readonly #assembler = new FrameAssembler(FRAME_LENGTH_MAX)
  #hasEnded = false

  constructor(kind: 'tcp' | 'tls', socket: Socket, request: OpenRequest, security: PeerSecurity | null) {
    const { address, startedAt, where } = request
    const { localAddress = '', localPort = 0 } = socket
    this.kind = kind
    this.openMilliseconds = performance.now() - startedAt
    this.security = security
    this.#socket = socket
    this.#where = where
    this.localAddress = hostAddress(localAddress, localPort) ?? new TransportAddress()
    this.remoteAddress = address.clone()
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#end(socketError(error, where)))
    socket.on('close', () => this.#end(this.#closed()))
    socket.on('end', () => this.#end(this.#closed()))
  }

  send(frame: Uint8Array): boolean {
    if (this.#hasEnded || this.#socket.writableLength > CLIENT_BACKLOG_BYTES_MAX) return false
    const isChannelData = frame[0] >> 6 === 1
    const padded = Buffer.alloc(isChannelData ? (frame.length + 3) & ~3 : frame.length)
    padded.set(frame)
    this.#socket.write(padded)
    return true
  }

  async close(): Promise<void> {
    this.#hasEnded = true
    if (this.#socket.destroyed) return
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    // What was written last goes out first; one who reads no more is not waited for.
    this.#socket.destroySoon()
    const late = setTimeout(() => this.#socket.destroy(), CLIENT_CLOSE_MILLISECONDS_MAX)
    await closed
    clearTimeout(late)
  }

  #receive(chunk: Buffer): void {
    if (this.#hasEnded) return
    const result = this.#assembler.push(chunk, (bytes, start, end) => {
      if (!this.#hasEnded) this.onFrame(bytes.subarray(start, end))
    })
    if (result !== 0) this.#end(new ClientError('bad-answer', `${this.#where}: the server sends no TURN`))
  }

  #end(error: ClientError): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#socket.destroy()
    this.onFault(error)
  }

  #closed(): ClientError {
    return new ClientError('connection-closed', `${this.#where}: the server closed the connection`)
  }
}
