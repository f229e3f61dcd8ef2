// The wires of the lab, recorded while it runs: both sides of the firewall, and the inside network at the edge. What was recorded is read by tshark, which
// decrypts TLS by the edge's keys (tls-keys-preload.ts), and told as frames: who sent what to whom, and when.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'
import { type Daemon, startDaemon } from '../support/daemon.js'
import { findCommand } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import type { ServerProcessOptions } from '../support/server-process.js'
import { CMS_ADMIN_PORT, HTTPS_PORT, type Octavio } from './topology.js'

/** `outside` and `behind` are the two sides of the firewall, `inside` is the edge's inside card. */
export type Place = 'outside' | 'behind' | 'inside'

export interface WireFrame {
  readonly timeMs: number
  readonly place: Place
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly from: Endpoint
  readonly to: Endpoint
  /** Without any encryption that the edge takes part in; empty `behind`, where only the header is kept, and where there is none. */
  readonly payload: Buffer
  /** The number of its TCP connection; two frames of one connection at one place have the same. */
  readonly stream: string
  readonly isSyn: boolean
  /** Whom a TLS Client Hello asks for; '' where there is none. */
  readonly serverName: string
  readonly dns: { readonly question: string; readonly isAnswer: boolean; readonly addresses: string } | null
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

const PLACES: Readonly<Record<string, Place>> = { outside: 'outside', edge: 'behind', lan1: 'inside' }
/** Of frames behind the firewall: enough to know that they came through. */
const HEADER_BYTES = 96
const TSHARK_BYTES_MAX = 512 * 1024 * 1024
const TSHARK_MILLISECONDS_MAX = 120_000
const DNS_TYPE_A = '1'

const FIELDS = [
  ...['frame.time_epoch', 'frame.interface_name', 'ip.src', 'ip.dst', 'udp.srcport', 'udp.dstport', 'udp.payload'],
  ...['tcp.srcport', 'tcp.dstport', 'tcp.stream', 'tcp.flags.syn', 'tcp.payload'],
  ...[
    'tls.handshake.extensions_server_name',
    'data.data',
    'dns.qry.name',
    'dns.qry.type',
    'dns.flags.response',
    'dns.a',
  ],
] as const

export class Wire {
  readonly #directory = temporaryDirectory()
  readonly #keys = join(this.#directory, 'tls-keys.txt')
  readonly #daemons: Daemon[] = []

  /** For the edge: it notes the keys of its TLS connections. */
  get serverOptions(): ServerProcessOptions {
    return {
      prefix: ['env', `LAB_TLS_KEYS=${this.#keys}`],
      nodeArguments: ['--import', join(projectRoot, 'build', 'test', 'lab', 'tls-keys-preload.js')],
    }
  }

  /** Records from when it resolves until `stop`, or until `t` ends. */
  async record(t: Closing, { edge, firewall }: Octavio): Promise<void> {
    const dumpcap = findCommand('dumpcap') ?? 'dumpcap'
    const start = (prefix: readonly string[], file: string, ...args: string[]) =>
      startDaemon(t, [...prefix, dumpcap, '-q', ...args, '-w', join(this.#directory, file)], { ready: /^File: / })
    const outside = ['-i', 'outside', '-i', 'edge', '-s', String(HEADER_BYTES)]
    this.#daemons.push(
      ...(await Promise.all([
        start(firewall.namespace.prefix, 'firewall.pcapng', ...outside),
        start(edge.prefix, 'inside.pcapng', '-i', 'lan1', '-f', `not port ${CMS_ADMIN_PORT}`),
      ])),
    )
  }

  /** What was sent until now is recorded when it resolves. */
  async stop(): Promise<void> {
    await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.stop()))
  }

  /** All of them, in order. */
  async frames(): Promise<WireFrame[]> {
    const files = ['firewall.pcapng', 'inside.pcapng'].map((file) => this.#read(join(this.#directory, file)))
    return (await Promise.all(files)).flat().sort((one, other) => one.timeMs - other.timeMs)
  }

  async #read(file: string): Promise<WireFrame[]> {
    const args = [
      ...['-r', file, '-n', '-Y', '(udp or tcp.len > 0 or tcp.flags.syn == 1) and not tcp.analysis.retransmission'],
      // Whatever comes over TLS is taken as bytes: tshark knows STUN there no more than what a browser says.
      ...['-d', `tls.port==${HTTPS_PORT},data`, '--disable-protocol', 'turnchannel'],
      ...(existsSync(this.#keys) ? ['-o', `tls.keylog_file:${this.#keys}`] : []),
      ...['-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=,'],
      ...FIELDS.flatMap((field) => ['-e', field]),
    ]
    const { stdout } = await promisify(execFile)(findCommand('tshark') ?? 'tshark', args, {
      maxBuffer: TSHARK_BYTES_MAX,
      timeout: TSHARK_MILLISECONDS_MAX,
      env: { PATH: process.env.PATH ?? '', HOME: this.#directory },
    })
    return stdout.split('\n').flatMap((line) => frameOf(line.split('\t')) ?? [])
  }
}

function frameOf(values: readonly string[]): WireFrame | null {
  const one = (name: (typeof FIELDS)[number]) => all(name).split(',', 1)[0]
  const all = (name: (typeof FIELDS)[number]) => values[FIELDS.indexOf(name)] ?? ''
  const { [one('frame.interface_name')]: place } = PLACES
  const isUdp = one('udp.srcport') !== ''
  const ports = isUdp ? [one('udp.srcport'), one('udp.dstport')] : [one('tcp.srcport'), one('tcp.dstport')]
  if (place === undefined || one('ip.src') === '' || ports[0] === '') return null
  const [fromPort, toPort] = ports.map(Number)
  const transport = isUdp ? 'udp' : [fromPort, toPort].includes(HTTPS_PORT) ? 'tls' : 'tcp'
  const payload = { udp: one('udp.payload'), tcp: one('tcp.payload'), tls: all('data.data').replaceAll(',', '') }[
    transport
  ]
  const isQuestion = one('dns.qry.name') !== '' && one('dns.qry.type') === DNS_TYPE_A
  const dns = { question: one('dns.qry.name'), isAnswer: isTrue(one('dns.flags.response')), addresses: all('dns.a') }
  return {
    ...{ timeMs: Number(one('frame.time_epoch')) * 1000, place, transport, stream: one('tcp.stream') },
    from: { host: one('ip.src'), port: fromPort },
    to: { host: one('ip.dst'), port: toPort },
    payload: Buffer.from(place === 'behind' ? '' : payload, 'hex'),
    isSyn: isTrue(one('tcp.flags.syn')),
    serverName: one('tls.handshake.extensions_server_name'),
    dns: isQuestion ? dns : null,
  }
}

/** tshark writes 1 or True, by its version. */
function isTrue(text: string): boolean {
  return text === '1' || text === 'True'
}
