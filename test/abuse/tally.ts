// What an attack over streams has done, as it goes on: connections and what came back over them, and its own rules that were broken.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { AttackReport } from './attack.js'
import type { Ground } from './ground.js'
import { HOST } from './ground.js'

const FAILURE_COUNT_MAX = 5

export class Tally {
  sent = 0
  sentBytes = 0
  replies = 0
  replyBytes = 0
  readonly notes: string[] = []
  readonly #unit: string
  readonly #start = performance.now()
  readonly #failures: string[] = []

  /** @param unit what is counted as sent */
  constructor(unit: string) {
    this.#unit = unit
  }

  get elapsed(): number {
    return performance.now() - this.#start
  }

  /** A rule of the attack. */
  expect(isTrue: boolean, failure: string): void {
    if (!isTrue && this.#failures.length < FAILURE_COUNT_MAX) this.#failures.push(failure)
  }

  write(socket: Socket, bytes: Uint8Array): boolean {
    this.sentBytes += bytes.length
    return socket.write(bytes)
  }

  /** A connection whose replies count; closed at the end. Resolves when it is there, or refused. @param from an address of 127.0.0.0/8 */
  async connect(ground: Ground, port: number, from: string): Promise<Socket> {
    const socket = connect({ host: HOST, port, localAddress: from, noDelay: true, allowHalfOpen: true })
    ground.teardown(() => socket.destroy())
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      this.replies++
      this.replyBytes += bytes.length
    })
    // Whoever is told of an end has nothing more to say.
    socket.on('end', () => socket.end())
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})
    return socket
  }

  report(): AttackReport {
    const { notes, replies, replyBytes, sent, sentBytes } = this
    return {
      ...{ sent, sentBytes, replies, replyBytes, notes, milliseconds: this.elapsed, unit: this.#unit },
      failures: this.#failures,
    }
  }
}

/** An address of its own for each few connections, apart from those of other attacks. @param network the second byte: 1 to 250 */
export function sourceAddress(network: number, index: number): string {
  return `127.${network}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`
}

/** False if it is still open after so long. */
export async function closesWithin(socket: Socket, milliseconds: number): Promise<boolean> {
  if (socket.destroyed) return true
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)))
  return Promise.race([closed, late]).finally(() => clearTimeout(timer))
}

/** So many at a time do it again and again until the time is over. */
export async function inParallel(
  count: number,
  ground: Ground,
  act: (index: number, round: number) => Promise<unknown>,
): Promise<void> {
  const end = performance.now() + ground.milliseconds
  const lane = async (index: number) => {
    for (let round = 0; performance.now() < end; round++) await act(index, round)
  }
  await Promise.all(Array.from({ length: count }, (_, index) => lane(index)))
}
