// TLS clients that come and go: so many full handshakes a second (no resumption), each with a connection of its own that is closed
// at once. Goes on until standard input ends.
import { connect, createSecureContext, type SecureContext } from 'node:tls'

export interface HandshakesOptions {
  readonly port: number
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  readonly handshakesPerSecond: number
  /** 1–250: clients are in 127.NETWORK.0.0/16. */
  readonly network: number
}

export interface HandshakesResult {
  readonly seconds: number
  /** Done in that time. */
  readonly handshakes: number
  /** By code. */
  readonly errors: Readonly<Record<string, number>>
  /** Were due, but as many as allowed were unfinished. */
  readonly skipped: number
  /** The clients' own CPU time: they may share their core with the generator of packets. */
  readonly cpuSeconds: number
  readonly milliseconds: { readonly p50: number; readonly p99: number }
  /** Protocol and cipher of the first one. */
  readonly transport: string
}

const TICK_MS = 1
const UNFINISHED_MAX = 200
const TIMEOUT_MS = 5000
/** The first ones are slow on both sides, and are not counted. */
const WARM_UP_MS = 500
/** One address would run out of ports while those of closed connections wait for their time to be over (TIME_WAIT). */
const HOSTS_PER_SUBNET = 250
const SUBNET_COUNT = 4

export async function handshakes(options: HandshakesOptions): Promise<HandshakesResult> {
  const load = new HandshakeLoad(options)
  let isEnded = false
  process.stdin.once('end', () => {
    isEnded = true
  })
  process.stdin.resume()
  const start = performance.now()
  let measureStart = start
  let due = start
  let cpu = process.cpuUsage()
  let isMeasuring = false
  while (!isEnded) {
    const now = performance.now()
    if (!isMeasuring && now >= start + WARM_UP_MS) {
      isMeasuring = true
      measureStart = now
      cpu = process.cpuUsage()
      load.reset()
    }
    for (; due <= now; due += 1000 / options.handshakesPerSecond) load.begin()
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - measureStart) / 1000
  return load.result(seconds, (used.user + used.system) / 1e6)
}

class HandshakeLoad {
  readonly #port: number
  readonly #network: number
  // The server is the one on this machine's loopback: whose certificate it is costs only the client.
  readonly #context: SecureContext
  #next = 0
  #unfinished = 0
  #skipped = 0
  #errors: Record<string, number> = {}
  #times: number[] = []
  #transport = ''

  constructor({ port, network, version }: HandshakesOptions) {
    this.#context = createSecureContext({ minVersion: version, maxVersion: version })
    this.#port = port
    this.#network = network
  }

  reset(): void {
    this.#skipped = 0
    this.#errors = {}
    this.#times = []
  }

  begin(): void {
    if (this.#unfinished >= UNFINISHED_MAX) {
      this.#skipped++
      return
    }
    this.#unfinished++
    const start = performance.now()
    let isDone = false
    const address = { host: '127.0.0.1', port: this.#port, localAddress: this.#nextAddress() }
    const socket = connect({ ...address, secureContext: this.#context, rejectUnauthorized: false })
    socket.once('secureConnect', () => {
      isDone = true
      this.#times.push(performance.now() - start)
      this.#transport ||= `${socket.getProtocol()} ${socket.getCipher().name}`
      socket.end()
    })
    // It is read to its end, so that its end is seen; nothing comes.
    socket.resume()
    socket.setTimeout(TIMEOUT_MS, () => {
      this.#countError('timeout')
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.#countError(error.code ?? error.message))
    socket.once('close', (hadError) => {
      this.#unfinished--
      if (!isDone && !hadError) this.#countError('closed')
    })
  }

  result(seconds: number, cpuSeconds: number): HandshakesResult {
    const sorted = this.#times.sort((left, right) => left - right)
    const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return {
      seconds,
      handshakes: sorted.length,
      errors: this.#errors,
      skipped: this.#skipped,
      cpuSeconds,
      milliseconds: { p50: percentile(0.5), p99: percentile(0.99) },
      transport: this.#transport,
    }
  }

  #countError(code: string): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  #nextAddress(): string {
    this.#next = (this.#next + 1) % (SUBNET_COUNT * HOSTS_PER_SUBNET)
    const subnet = 128 + Math.floor(this.#next / HOSTS_PER_SUBNET)
    return `127.${this.#network}.${subnet}.${1 + (this.#next % HOSTS_PER_SUBNET)}`
  }
}
