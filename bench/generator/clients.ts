// The clients of the generator: one socket, thousands of addresses. Carries the dialogues of many of them with the server at once.
import type { Dialogue } from '../turn-dialogue.js'
import { Endpoint, portWord, swapBytes } from './endpoint.js'
import { IncomingMessages } from './incoming-messages.js'
import type { Kernel } from './kernel.js'
import { OutgoingMessages } from './outgoing-messages.js'

const RECEIVE_COUNT = 64
const REQUEST_LENGTH_MAX = 1024
const RETRANSMISSION_MS = 500
const TRY_COUNT_MAX = 7
const HOSTS_PER_SUBNET = 250
const TRANSACTION_ID_START = 8
const TRANSACTION_ID_END = 20
const STUN_HEADER_LENGTH = 20

/** A client that waits for an answer. */
interface Conversation {
  readonly client: number
  readonly dialogue: Dialogue
  /** Its request's place in the arena and in the outgoing messages. */
  readonly slot: number
  tries: number
  deadline: number
}

export interface ConversationTimes {
  readonly seconds: number
  /** The share of the time in which no answer was there to be handled: else it is the generator that was slow. */
  readonly idle: number
  readonly retransmissions: number
}

export class Clients {
  readonly endpoint: Endpoint
  readonly #kernel: Kernel
  readonly #network: number
  readonly #serverHostWord: number
  readonly #serverPort: number
  readonly #incoming: IncomingMessages
  readonly #conversations = new Map<number, Conversation>()
  #outgoing: OutgoingMessages | null = null
  #slots = 0
  #retransmissions = 0

  /** @param network 1–250: clients are in 127.NETWORK.0.0/16, where earlier ones with other numbers have left no traces */
  constructor(kernel: Kernel, network: number, serverHostWord: number, serverPort: number) {
    this.#kernel = kernel
    this.#network = network
    this.#serverHostWord = serverHostWord
    this.#serverPort = serverPort
    this.endpoint = new Endpoint(kernel, 0)
    this.#incoming = new IncomingMessages(kernel, RECEIVE_COUNT)
  }

  /** The address of a client as a word of struct in_addr. */
  hostWord(client: number): number {
    const subnet = Math.floor(client / HOSTS_PER_SUBNET)
    const host = 1 + (client % HOSTS_PER_SUBNET)
    return swapBytes((127 << 24) | (this.#network << 16) | (subnet << 8) | host)
  }

  /** Has these dialogues, `parallel` of them at a time: number n is that of client n. Throws what one of them throws. */
  converse(dialogues: readonly Dialogue[], parallel: number): ConversationTimes {
    this.#reserve(parallel)
    const free = Array.from({ length: parallel }, (_, index) => parallel - 1 - index)
    const start = performance.now()
    let now = start
    let idle = 0
    let next = 0
    this.#retransmissions = 0
    while (next < dialogues.length || this.#conversations.size > 0) {
      while (next < dialogues.length && free.length > 0) {
        const slot = free.pop() as number
        this.#step({ client: next, dialogue: dialogues[next], slot, tries: 0, deadline: 0 }, null, free)
        next++
      }
      const handled = this.#receive(free)
      const before = now
      now = performance.now()
      if (handled > 0) continue
      idle += now - before
      this.#retransmit(now)
    }
    const elapsed = performance.now() - start
    return { seconds: elapsed / 1000, idle: idle / elapsed, retransmissions: this.#retransmissions }
  }

  close(): void {
    this.endpoint.close()
  }

  #reserve(parallel: number): void {
    if (this.#outgoing !== null && this.#outgoing.count >= parallel) return
    this.#slots = this.#kernel.arena.reserve(parallel * REQUEST_LENGTH_MAX)
    this.#outgoing = new OutgoingMessages(
      this.#kernel,
      this.endpoint,
      Array.from({ length: parallel }, (_, slot) => this.#message(0, slot, 0)),
    )
  }

  #message(client: number, slot: number, length: number) {
    return {
      portWord: portWord(this.#serverPort),
      hostWord: this.#serverHostWord,
      sourceHostWord: this.hostWord(client),
      start: this.#slots + slot * REQUEST_LENGTH_MAX,
      segmentLength: length,
      segmentCount: 1,
    }
  }

  /** Resumes a dialogue with an answer (none at its start), and sends its next request. */
  #step(conversation: Conversation, answer: Uint8Array | null, free: number[]): void {
    const { client, dialogue, slot } = conversation
    const step = answer === null ? dialogue.next() : dialogue.next(answer)
    if (step.done === true) {
      this.#conversations.delete(this.hostWord(client))
      free.push(slot)
      return
    }
    const message = this.#message(client, slot, step.value.length)
    this.#kernel.arena.bytes.set(step.value, message.start)
    this.#outgoing?.set(slot, message)
    this.#conversations.set(this.hostWord(client), conversation)
    conversation.tries = 0
    this.#send(conversation)
  }

  #send(conversation: Conversation): void {
    if (conversation.tries === TRY_COUNT_MAX) throw new Error(`the server did not answer client ${conversation.client}`)
    this.#outgoing?.send(conversation.slot, 1)
    conversation.tries++
    conversation.deadline = performance.now() + RETRANSMISSION_MS
  }

  #retransmit(now: number): void {
    for (const conversation of this.#conversations.values()) {
      if (now < conversation.deadline) continue
      this.#retransmissions++
      this.#send(conversation)
    }
  }

  #receive(free: number[]): number {
    const incoming = this.#incoming
    const { bytes } = this.#kernel.arena
    const count = incoming.receive(this.endpoint)
    for (let index = 0; index < count; index++) {
      const conversation = this.#conversations.get(incoming.destinationHostWord(index))
      const start = incoming.start(index)
      const length = incoming.length(index)
      if (conversation === undefined || length < STUN_HEADER_LENGTH) continue
      const request = this.#slots + conversation.slot * REQUEST_LENGTH_MAX
      let isAnswer = true
      for (let at = TRANSACTION_ID_START; at < TRANSACTION_ID_END; at++) {
        isAnswer &&= bytes[start + at] === bytes[request + at]
      }
      // Who was asked twice has answered twice, and the kernel hands both over at once (UDP_GRO): the first is as long as it says.
      const ownLength = STUN_HEADER_LENGTH + ((bytes[start + 2] << 8) | bytes[start + 3])
      if (isAnswer) this.#step(conversation, bytes.subarray(start, start + Math.min(length, ownLength)), free)
    }
    return count
  }
}
