// Clients over TCP and TLS that live through the crash of their server: their connections are reset, they connect until somebody listens again, and allocate.
import { setTimeout as delay } from 'node:timers/promises'
import type { TransportAddress } from '../../src/stun/address.js'
import { testCertificate } from '../support/certificate.js'
import { connectTcp, connectTls, type StreamTransport } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { CHANNEL, type CrashLedger, crashPayload, ECHO, MEDIA } from './crash-ledger.js'
import { SOAK_USER } from './dialogue.js'

const HOST = '127.0.0.1'
const RETRY_MILLISECONDS = 100
/** Who is not back by then stays away, and is missed. */
const RETURN_MILLISECONDS_MAX = 60_000
/** Of the clients at a time, before the crash. */
const OPENING_COUNT = 16

export interface StreamPorts {
  readonly tcp: number
  readonly tls: number
}

export class CrashStreams {
  /** Milliseconds (performance.now) at which each was back. */
  readonly backAt: number[] = []
  readonly #ledger: CrashLedger
  readonly #first: number
  readonly #schemes: readonly ('tcp' | 'tls')[]
  readonly #ports: StreamPorts
  readonly #peerOf: (client: number) => TransportAddress
  readonly #clients: TurnClient[] = []

  /** @param first the number of the first client */
  constructor(
    ledger: CrashLedger,
    first: number,
    counts: { readonly tcp: number; readonly tls: number },
    ports: StreamPorts,
    peerOf: (client: number) => TransportAddress,
  ) {
    this.#ledger = ledger
    this.#first = first
    this.#schemes = [...Array(counts.tcp).fill('tcp'), ...Array(counts.tls).fill('tls')]
    this.#ports = ports
    this.#peerOf = peerOf
  }

  async open(): Promise<void> {
    let next = 0
    const loop = async () => {
      while (next < this.#schemes.length) await this.#begin(next++)
    }
    await Promise.all(Array.from({ length: OPENING_COUNT }, loop))
  }

  /** To be called before the crash: resolves when all are back, or have given up. */
  async comeBack(): Promise<void> {
    await Promise.all(this.#clients.map((_, index) => this.#comeBack(index)))
  }

  /** One payload each. */
  sendMedia(sequence: number): void {
    for (const [index, client] of this.#clients.entries()) {
      client.sendChannelData(CHANNEL, crashPayload(this.#first + index, MEDIA, sequence))
    }
  }

  /** The relay port of each. */
  relayPorts(): number[] {
    return this.#clients.map(({ relay }) => relay.port)
  }

  /** What has come since the last call. */
  drain(): void {
    for (const [index, client] of this.#clients.entries()) {
      for (const frame of client.inbox.takeAll()) this.#ledger.takeAtClient(this.#first + index, frame)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(({ transport }) => transport.close()))
  }

  async #comeBack(index: number): Promise<void> {
    const { socket } = this.#clients[index].transport as StreamTransport
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
    this.drain()
    const end = performance.now() + RETURN_MILLISECONDS_MAX
    while (performance.now() < end) {
      try {
        await this.#begin(index)
        this.backAt.push(performance.now())
        return
      } catch (error) {
        // Nobody listens yet, or the answer took too long. Another answer than the right one is none of these.
        if (error instanceof WrongAnswer) throw error
        await delay(RETRY_MILLISECONDS)
      }
    }
  }

  /** A connection, an allocation and a channel, and one payload there and back. */
  async #begin(index: number): Promise<void> {
    const number = this.#first + index
    const port = this.#ports[this.#schemes[index]]
    const isTls = this.#schemes[index] === 'tls'
    const transport = await (isTls ? connectTls(HOST, port, testCertificate().cert) : connectTcp(HOST, port))
    try {
      this.#clients[index] = await this.#use(transport, number, index)
    } catch (error) {
      // With its connection goes what it may have allocated.
      await transport.close()
      throw error
    }
  }

  async #use(transport: StreamTransport, number: number, index: number): Promise<TurnClient> {
    const client = new TurnClient(transport, SOAK_USER)
    const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, this.#peerOf(number))).code]
    if (codes.join() !== '0,0') throw new WrongAnswer(`client ${number} was answered with ${codes.join(' and ')}`)
    const payload = crashPayload(number, ECHO, index)
    client.sendChannelData(CHANNEL, payload)
    for (;;) {
      const { frame } = await client.nextData()
      if (frame.subarray(4, 4 + payload.length).equals(payload)) break
      this.#ledger.takeAtClient(number, frame)
    }
    return client
  }
}

class WrongAnswer extends Error {}
