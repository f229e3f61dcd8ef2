// Captures: packets of a client or a relay, recorded by a worker and kept here as a file that Wireshark reads. Bounded in every direction
// (limits/captures.ts), nothing of it on disk.
import { AdminProblem } from '../admin/administered.js'
import type { Capture, CaptureRequest } from '../admin/schema/operations.js'
import {
  CAPTURE_BYTES_DEFAULT,
  CAPTURE_KEPT_COUNT_MAX,
  CAPTURE_MEMORY_BYTES_MAX,
  CAPTURE_RUNNING_COUNT_MAX,
  CAPTURE_SECONDS_DEFAULT,
} from '../limits/captures.js'
import { parseTransportAddress } from '../stun/address.js'
import { CaptureFile } from './capture-file.js'
import { placeOf } from './client-list.js'
import type { CaptureSink, Relaying } from './relaying.js'
import type { CapturedPackets } from './worker/capture-records.js'
import type { CaptureTarget, ClientPlace } from './worker/questions.js'

type EndReason = 'stopped' | 'time' | 'size' | 'client-gone'

interface Kept {
  readonly id: string
  readonly number: number
  readonly worker: number
  readonly target: string
  readonly file: CaptureFile
  readonly startTimeMs: number
  readonly secondsMax: number
  readonly bytesMax: number
  readonly timer: NodeJS.Timeout
  lostCount: number
  endTimeMs: number | null
  endReason: EndReason | ''
}

export class Captures implements CaptureSink {
  readonly #relaying: Pick<Relaying, 'ask' | 'captureSink'>
  readonly #application: string
  /** By number, oldest first; from the moment when its worker has begun. */
  readonly #kept = new Map<number, Kept>()
  /** Bytes of those that are being begun. */
  readonly #beginning = new Map<number, number>()
  #lastNumber = 0

  /** @param application what files say they were written by: `turnd 1.2.3` */
  constructor(relaying: Pick<Relaying, 'ask' | 'captureSink'>, application: string) {
    this.#relaying = relaying
    this.#application = application
    relaying.captureSink = this
  }

  /** Rejects with an AdminProblem. */
  async start(request: CaptureRequest): Promise<Capture> {
    const { bytes: bytesMax = CAPTURE_BYTES_DEFAULT, seconds: secondsMax = CAPTURE_SECONDS_DEFAULT } = request
    this.#makeRoom(bytesMax)
    const number = ++this.#lastNumber
    this.#beginning.set(number, bytesMax)
    try {
      const place = await this.#findPlace(request)
      const target = await this.#tapIn(number, place, request)
      return describe(this.#begin(number, request, target, secondsMax, bytesMax))
    } finally {
      this.#beginning.delete(number)
    }
  }

  /** Newest first. */
  list(): readonly Capture[] {
    return [...this.#kept.values()].reverse().map(describe)
  }

  /** What was recorded until now is in the file when it resolves. False: there is none that runs. */
  async stop(id: string): Promise<boolean> {
    const kept = this.#find(id)
    if (kept === null || kept.endReason !== '') return false
    await this.#stop(kept, 'stopped')
    return true
  }

  async remove(id: string): Promise<boolean> {
    const kept = this.#find(id)
    if (kept === null) return false
    if (kept.endReason === '') await this.#stop(kept, 'stopped')
    return this.#kept.delete(kept.number)
  }

  /** The file so far, whose bytes are not to be changed; null: there is none. */
  file(id: string): Uint8Array | null {
    const kept = this.#find(id)
    return kept === null ? null : kept.file.toBytes(kept.lostCount, kept.endTimeMs ?? Date.now())
  }

  /** The server stops. */
  close(): void {
    for (const kept of this.#kept.values()) this.#end(kept, 'stopped')
    this.#kept.clear()
    this.#relaying.captureSink = null
  }

  // CaptureSink.

  captured(packets: CapturedPackets): void {
    const kept = this.#kept.get(packets.capture)
    if (kept === undefined || kept.endReason !== '') return
    kept.lostCount = packets.lostCount
    kept.file.add(packets.records)
    if (kept.file.isFull) void this.#stop(kept, 'size')
    else if (packets.isGone) this.#end(kept, 'client-gone')
  }

  workerEnded(worker: number): void {
    for (const kept of this.#kept.values()) if (kept.worker === worker) this.#end(kept, 'client-gone')
  }

  async #findPlace({ client, relay }: CaptureRequest): Promise<ClientPlace> {
    if ((client === undefined) === (relay === undefined)) {
      throw new AdminProblem(400, 'TURND_ERR_CAPTURE_TARGET', 'name a client or a relay, one of them')
    }
    if (client !== undefined) return placeOf(client) ?? notFound(`client ${client}`)
    const address = parseTransportAddress(relay ?? '')
    if (address === null) {
      const text = 'a relay is named by its relayed transport address, such as 203.0.113.1:50000 or [2001:db8::1]:50000'
      throw new AdminProblem(400, 'TURND_ERR_CAPTURE_TARGET', text)
    }
    const answers = await this.#relaying.ask({ kind: 'find-relay', relayed: String(address) })
    return answers.find((answer) => answer !== null) ?? notFound(`relay ${address}`)
  }

  async #tapIn(
    capture: number,
    { number, worker }: ClientPlace,
    { client, relay }: CaptureRequest,
  ): Promise<CaptureTarget> {
    const isOfRelay = relay !== undefined
    try {
      const [target] = await this.#relaying.ask({ kind: 'start-capture', capture, number, isOfRelay }, worker)
      if (!target) return notFound(isOfRelay ? `relay ${relay}` : `client ${client}`)
      if (!isOfRelay || target.relayTransport === 'udp') return target
    } catch (error) {
      // It may begin late: nobody is to read it then.
      void this.#relaying.ask({ kind: 'stop-capture', capture }, worker).catch(() => {})
      throw error
    }
    const text = `${relay} is a TCP relay, whose connections are not recorded: capture its client, or use tcpdump`
    throw new AdminProblem(400, 'TURND_ERR_CAPTURE_TARGET', text)
  }

  /** In the same turn as the worker's answer: its packets come after that. */
  #begin(number: number, { relay }: CaptureRequest, target: CaptureTarget, secondsMax: number, bytesMax: number): Kept {
    const startTimeMs = Date.now()
    const timer = setTimeout(() => void this.#stop(kept, 'time'), secondsMax * 1000).unref()
    const whose = relay === undefined ? `client ${target.client}` : `relay ${relay}`
    const kept: Kept = {
      ...{ id: String(number), number, worker: target.worker, target: `${whose} of ${target.user}` },
      file: new CaptureFile(this.#application, target, startTimeMs, bytesMax),
      ...{ startTimeMs, secondsMax, bytesMax, timer, lostCount: 0, endTimeMs: null, endReason: '' },
    }
    this.#kept.set(number, kept)
    return kept
  }

  /** Ends it when its worker has posted all that it has; a worker that is silent has nothing more to say. */
  async #stop(kept: Kept, reason: EndReason): Promise<void> {
    clearTimeout(kept.timer)
    if (reason === 'size') this.#end(kept, reason)
    await this.#relaying.ask({ kind: 'stop-capture', capture: kept.number }, kept.worker).catch(() => {})
    this.#end(kept, reason)
  }

  #end(kept: Kept, reason: EndReason): void {
    if (kept.endReason !== '') return
    clearTimeout(kept.timer)
    kept.endReason = reason
    kept.endTimeMs = Date.now()
    kept.file.finish(kept.lostCount, kept.endTimeMs)
  }

  #find(id: string): Kept | null {
    return [...this.#kept.values()].find((kept) => kept.id === id) ?? null
  }

  /** Ended ones make room, the oldest first. */
  #makeRoom(bytes: number): void {
    const running = [...this.#kept.values()].filter(({ endReason }) => endReason === '')
    if (running.length + this.#beginning.size >= CAPTURE_RUNNING_COUNT_MAX) {
      const text = `${CAPTURE_RUNNING_COUNT_MAX} captures are running, and no more can: stop one of them`
      throw new AdminProblem(409, 'TURND_ERR_CAPTURES', text)
    }
    const reserved = [...running.map(({ bytesMax }) => bytesMax), ...this.#beginning.values()]
    if (sumOf(reserved) + bytes > CAPTURE_MEMORY_BYTES_MAX) {
      const text = `the captures that are running may take ${sumOf(reserved)} bytes of ${CAPTURE_MEMORY_BYTES_MAX}: ask for less, or stop one`
      throw new AdminProblem(409, 'TURND_ERR_CAPTURES', text)
    }
    const ended = [...this.#kept.values()].filter(({ endReason }) => endReason !== '')
    const lengths = () => sumOf(ended.map(({ file }) => file.length))
    const isFull = () => running.length + this.#beginning.size + ended.length >= CAPTURE_KEPT_COUNT_MAX
    while (ended.length > 0 && (isFull() || sumOf(reserved) + bytes + lengths() > CAPTURE_MEMORY_BYTES_MAX)) {
      this.#kept.delete((ended.shift() as Kept).number)
    }
  }
}

function notFound(what: string): never {
  throw new AdminProblem(404, 'NOT_FOUND', `there is no ${what} any more: look at the list of clients again`)
}

function describe(kept: Kept): Capture {
  const { bytesMax, endReason, endTimeMs, file, id, lostCount, secondsMax, startTimeMs, target } = kept
  return {
    id,
    target,
    startTime: new Date(startTimeMs).toISOString(),
    endTime: endTimeMs === null ? null : new Date(endTimeMs).toISOString(),
    endReason,
    packets: file.packetCount,
    bytes: file.length,
    lostPackets: lostCount,
    secondsMax,
    bytesMax,
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
