// The test from this browser over one way to the server: two peer connections in the page, each with a relay and nothing else, call each other
// through the server. One data channel that loses what is lost tells round trips and loss, another one throughput.
import { type CallResult, type CallStage, explain } from './call-result.js'

const GATHER_MILLISECONDS_MAX = 12_000
const CONNECT_MILLISECONDS_MAX = 12_000
const PROBE_COUNT = 60
const PROBE_INTERVAL_MILLISECONDS = 20
const PROBE_WAIT_MILLISECONDS_MAX = 1000
const FILL_MILLISECONDS_MAX = 2000
const FILL_BYTES_MAX = 40_000_000
const CHUNK_BYTES = 16_384
/** In the browser's queue: enough that it never runs dry. */
const QUEUED_BYTES_MAX = 1_000_000

export interface CallServer {
  readonly username: string
  readonly password: string
}

/** Resolves when it is over, whatever came of it; `result` says how far it is, and `onProgress` that this changed. */
export async function testCall(
  result: CallResult,
  server: CallServer,
  onProgress: () => void,
  signal: AbortSignal,
): Promise<void> {
  const iceServers = [{ urls: result.uri, username: server.username, credential: server.password }]
  const sides: RTCPeerConnection[] = []
  const enter = (stage: CallStage) => {
    result.stage = stage
    onProgress()
  }
  try {
    if (typeof RTCPeerConnection === 'undefined') throw new DOMException('it has no WebRTC, or it is switched off')
    enter('gathering')
    for (let side = 0; side < 2; side++) sides.push(new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' }))
    const call = new Call(sides[0], sides[1], result)
    await within(call.gather(onProgress), GATHER_MILLISECONDS_MAX, signal)
    enter('connecting')
    await within(call.connect(), CONNECT_MILLISECONDS_MAX, signal)
    enter('probing')
    await within(call.probe(), PROBE_COUNT * PROBE_INTERVAL_MILLISECONDS * 4 + PROBE_WAIT_MILLISECONDS_MAX, signal)
    enter('filling')
    result.bitsPerSecond = await within(call.fill(), FILL_MILLISECONDS_MAX * 3, signal)
    enter('done')
  } catch (error) {
    if (signal.aborted) return enter('cancelled')
    result.failedStage = result.stage
    result.reason =
      error instanceof DOMException ? `This browser cannot test it: ${error.message}` : explain(result, result.stage)
    enter('failed')
  } finally {
    for (const side of sides) side.close()
  }
}

class Call {
  readonly #caller: RTCPeerConnection
  readonly #callee: RTCPeerConnection
  readonly #result: CallResult
  readonly #probes: RTCDataChannel
  readonly #bulk: RTCDataChannel
  readonly #startMs = performance.now()

  constructor(caller: RTCPeerConnection, callee: RTCPeerConnection, result: CallResult) {
    this.#caller = caller
    this.#callee = callee
    this.#result = result
    this.#probes = caller.createDataChannel('probes', { ordered: false, maxRetransmits: 0, negotiated: true, id: 1 })
    this.#bulk = caller.createDataChannel('bulk', { negotiated: true, id: 2 })
    const answering = callee.createDataChannel('probes', { ordered: false, maxRetransmits: 0, negotiated: true, id: 1 })
    answering.onmessage = ({ data }) => answering.send(data)
  }

  /** Resolves when both sides have a relay; rejects when the browser has given up on one. */
  async gather(onProgress: () => void): Promise<void> {
    const first = this.#relayOf(this.#caller, this.#callee).then((relayed) => {
      this.#result.relayed = relayed
      this.#result.gatherMilliseconds = performance.now() - this.#startMs
      onProgress()
    })
    const second = this.#relayOf(this.#callee, this.#caller)
    await Promise.all([this.#describe(), first, second])
  }

  /** The first relayed address that `from` is given; all go to `to`. */
  #relayOf(from: RTCPeerConnection, to: RTCPeerConnection): Promise<string> {
    return new Promise((resolve, reject) => {
      from.onicecandidate = ({ candidate }) => {
        if (candidate === null || candidate.candidate === '') return
        void remoteDescription(to).then(() => to.addIceCandidate(candidate))
        resolve(addressOf(candidate))
      }
      from.onicecandidateerror = ({ errorCode, errorText }) => {
        this.#result.errors.push({ code: errorCode, text: errorText })
      }
      from.onicegatheringstatechange = () => {
        // An error's event may follow the one of the state; what was given is not taken back.
        if (from.iceGatheringState === 'complete') setTimeout(() => reject(new Error('no relay')), 100)
      }
    })
  }

  async connect(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (this.#probes.readyState === 'open' && this.#bulk.readyState === 'open') resolve()
        else if (this.#caller.connectionState === 'failed') reject(new Error('no call'))
      }
      this.#probes.onopen = look
      this.#bulk.onopen = look
      this.#caller.onconnectionstatechange = look
      look()
    })
    this.#result.connectMilliseconds = performance.now() - this.#startMs
  }

  async probe(): Promise<void> {
    const sentMs: number[] = []
    const areAllBack = new Promise<void>((resolve) => {
      this.#probes.onmessage = ({ data }) => {
        this.#result.roundTrips.push(performance.now() - sentMs[Number(data)])
        if (this.#result.roundTrips.length === PROBE_COUNT) resolve()
      }
    })
    for (let number = 0; number < PROBE_COUNT; number++) {
      sentMs.push(performance.now())
      this.#probes.send(String(number))
      this.#result.probesSent++
      await pause(PROBE_INTERVAL_MILLISECONDS)
    }
    await Promise.race([areAllBack, pause(PROBE_WAIT_MILLISECONDS_MAX)])
  }

  /** As much as goes through for a while; what arrives counts. Resolves with bits per second. */
  async fill(): Promise<number> {
    const receiving = this.#callee.createDataChannel('bulk', { negotiated: true, id: 2 })
    const chunk = new Uint8Array(CHUNK_BYTES)
    let received = 0
    receiving.binaryType = 'arraybuffer'
    receiving.onmessage = ({ data }) => {
      received += (data as ArrayBuffer).byteLength
    }
    const startMs = performance.now()
    const elapsed = () => performance.now() - startMs
    let sent = 0
    while (elapsed() < FILL_MILLISECONDS_MAX && sent < FILL_BYTES_MAX) {
      if (this.#bulk.readyState !== 'open') throw new Error('cut off')
      while (this.#bulk.bufferedAmount < QUEUED_BYTES_MAX && sent < FILL_BYTES_MAX) {
        this.#bulk.send(chunk)
        sent += CHUNK_BYTES
      }
      await pause(10)
    }
    return (8000 * received) / elapsed()
  }

  async #describe(): Promise<void> {
    await this.#caller.setLocalDescription()
    await this.#callee.setRemoteDescription(this.#caller.localDescription as RTCSessionDescription)
    await this.#callee.setLocalDescription()
    await this.#caller.setRemoteDescription(this.#callee.localDescription as RTCSessionDescription)
  }
}

/** Candidates can be added from then on. */
async function remoteDescription(connection: RTCPeerConnection): Promise<void> {
  while (connection.remoteDescription === null)
    await new Promise((resolve) => connection.addEventListener('signalingstatechange', resolve, { once: true }))
}

function addressOf({ address, port }: RTCIceCandidate): string {
  const host = address ?? '?'
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}

function within<T>(work: Promise<T>, time: number, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too late')), time)
    signal.addEventListener('abort', () => reject(new Error('cancelled')), { once: true })
    if (signal.aborted) reject(new Error('cancelled'))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
