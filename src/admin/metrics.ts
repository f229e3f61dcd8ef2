// What Prometheus reads at /metrics: one table, from which the registry of a server and the table of docs/metrics.md derive. Every reason and every
// transport is there from the start with 0, and no label has a value that somebody outside chooses.
import { Counter, Gauge, Registry } from 'prom-client'
import { CONNECTION_REFUSAL_NAMES } from '../log/connection-refusals.js'
import { DROP_REASONS } from '../log/drops.js'
import { REFUSAL_REASON_NAMES } from '../log/refusals.js'
import type { Administered, CounterValues } from './administered.js'
import { ProcessFacts } from './process-facts.js'
import { type Status, TRANSPORTS } from './schema/status.js'

type Labels = Readonly<Record<string, string>>
type MetricSample = readonly [Labels, number]

/** What a scrape is made of. */
export interface MetricFacts {
  readonly status: Status
  readonly counters: CounterValues
  readonly process: ProcessFacts
}

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** Names of its labels, each with what it says. */
  readonly labels: Labels
  samples(facts: MetricFacts): readonly MetricSample[]
}

const TRANSPORT = { transport: `how the client is connected: ${TRANSPORTS.join(', ')}` }
const REASON = { reason: 'as `turnd why` names and explains it' }

const counter = (name: string, help: string, of: (facts: MetricFacts) => number): MetricRow => {
  return { name, type: 'counter', help, labels: {}, samples: (facts) => [[{}, of(facts)]] }
}
const gauge = (name: string, help: string, of: (facts: MetricFacts) => number): MetricRow => {
  return { ...counter(name, help, of), type: 'gauge' }
}
const engine = (name: string, help: string, key: string): MetricRow => {
  return counter(name, help, ({ counters }) => counters.engine[key] ?? 0)
}

/** What engines count under names of their own is a drop like the others. */
const ENGINE_DROPS: Readonly<Record<string, string>> = {
  'send-queue': 'sendQueueDrops',
  'stalled-client': 'stalledDrops',
  'socket-error': 'socketErrors',
}

const SERVER_METRICS: readonly MetricRow[] = [
  {
    ...{ name: 'turnd_build_info', type: 'gauge', help: 'What runs; always 1.' },
    labels: { version: 'of turnd', engine: 'native or dgram', node_version: 'of Node' },
    samples: ({ status }) => [[{ version: status.version, engine: status.engine, node_version: process.version }, 1]],
  },
  gauge('turnd_start_time_seconds', 'When the server began, in Unix time.', ({ status }) => {
    return Date.parse(status.startTime) / 1000
  }),
  gauge('turnd_draining', '1 while the server drains: it takes no new allocations.', ({ status }) => {
    return status.status === 'Draining' ? 1 : 0
  }),
  gauge('turnd_workers', 'Threads that relay.', ({ status }) => status.workerCount),
  gauge('turnd_clients', 'Clients (5-tuples) with an allocation.', ({ status }) => status.activeClients),
  {
    ...{ name: 'turnd_relays', type: 'gauge', help: 'Relays that exist.', labels: TRANSPORT },
    samples: ({ status }) => TRANSPORTS.map((transport) => [{ transport }, status.relays[transport]]),
  },
  gauge('turnd_licence_used', 'Allocations that count towards the licence.', ({ status }) => status.licence.used),
  gauge('turnd_licence_limit', 'Allocations that may exist at once: --max-allocations.', ({ status }) => {
    return status.licence.limit
  }),
  {
    ...{ name: 'turnd_alarms', type: 'gauge', help: 'Alarms that are raised.' },
    labels: { severity: 'warning or critical' },
    samples: ({ status }) =>
      ['warning', 'critical'].map((severity) => [
        { severity },
        status.alarms.filter((alarm) => alarm.severity === severity).length,
      ]),
  },
  {
    ...{ name: 'turnd_certificate_expiry_timestamp_seconds', type: 'gauge' },
    help: 'When the certificate of a listener ends, in Unix time; absent without a certificate.',
    labels: { listener: 'such as tls:192.0.2.1:5349' },
    samples: ({ status }) =>
      status.listeners.flatMap(({ certificate, host, port, scheme }): MetricSample[] => {
        if (certificate === null) return []
        const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
        return [[{ listener: `${scheme}:${place}` }, Date.parse(certificate.validToTime) / 1000]]
      }),
  },
  {
    ...{ name: 'turnd_user_store_up', type: 'gauge', help: '1 while a user store outside this server answers.' },
    labels: { store: 'the option that names it, without secrets' },
    samples: ({ status }) =>
      (status.userStores?.stores ?? []).map(({ name, problem }) => [{ store: name }, problem === '' ? 1 : 0]),
  },
  gauge('turnd_user_store_users', 'Users that are remembered of such stores.', ({ status }) => {
    return status.userStores?.knownUsers ?? 0
  }),
]

const LOOKUP_RESULTS = ['found', 'unknown', 'refused', 'failed', 'remembered'] as const

const COUNTER_METRICS: readonly MetricRow[] = [
  reasons('turnd_allocations_total', 'Allocations that were made.', TRANSPORT, TRANSPORTS, ({ allocations }, name) => {
    return allocations[name]
  }),
  engine('turnd_received_packets_total', 'Datagrams and frames from clients and peers.', 'packetsReceived'),
  engine('turnd_received_bytes_total', 'Their bytes.', 'bytesReceived'),
  engine('turnd_sent_packets_total', 'Datagrams and frames to clients and peers.', 'packetsSent'),
  engine('turnd_sent_bytes_total', 'Their bytes.', 'bytesSent'),
  engine('turnd_receive_calls_total', 'System calls that received something.', 'receiveCalls'),
  engine('turnd_send_calls_total', 'System calls that sent something.', 'sendCalls'),
  engine('turnd_icmp_errors_total', 'ICMP errors about what was sent.', 'icmpErrors'),
  engine('turnd_connections_accepted_total', 'TCP connections of clients.', 'connectionsAccepted'),
  engine('turnd_handshakes_total', 'TLS and DTLS handshakes that were completed.', 'handshakes'),
  engine('turnd_handshakes_failed_total', 'TLS and DTLS handshakes that were not.', 'handshakesFailed'),
  reasons(
    'turnd_drops_total',
    'Packets that went nowhere.',
    REASON,
    Object.keys(DROP_REASONS),
    ({ drops, engine }, name) => drops[name] ?? engine[ENGINE_DROPS[name] ?? ''],
  ),
  reasons('turnd_refusals_total', 'Requests that were refused.', REASON, REFUSAL_REASON_NAMES, ({ refusals }, name) => {
    return refusals[name]
  }),
  reasons(
    'turnd_connection_refusals_total',
    'Connections that were closed before they asked TURN for anything.',
    REASON,
    CONNECTION_REFUSAL_NAMES,
    ({ connectionRefusals }, name) => connectionRefusals[name],
  ),
  {
    ...{ name: 'turnd_user_lookups_total', type: 'counter', help: 'Users that were asked for at such stores.' },
    labels: { result: `${LOOKUP_RESULTS.join(', ')}: the last one asked nobody` },
    samples: ({ status }) => LOOKUP_RESULTS.map((result) => [{ result }, status.userStores?.lookups[result] ?? 0]),
  },
  counter(
    'turnd_reports_lost_total',
    'Reports of workers that the main thread did not get: the log is missing them.',
    (facts) => {
      return facts.counters.reportsLost
    },
  ),
  counter(
    'turnd_worker_deaths_total',
    'Workers that died and were started again.',
    ({ counters }) => counters.workerDeaths,
  ),
]

const PROCESS_METRICS: readonly MetricRow[] = [
  counter('process_cpu_seconds_total', 'Processor time of all threads.', ({ process }) => process.cpuSeconds()),
  gauge('process_resident_memory_bytes', 'Memory of the process.', ({ process }) => process.residentBytes()),
  gauge(
    'process_start_time_seconds',
    'When the process began, in Unix time.',
    ({ process }) => process.startTimeSeconds,
  ),
  gauge('process_open_fds', 'Files and sockets that are open.', ({ process }) => process.openFileCount()),
  gauge('process_max_fds', 'How many may be.', ({ process }) => process.openFileLimit),
  gauge('nodejs_heap_used_bytes', 'Heap of the main thread.', ({ process }) => process.heapUsedBytes()),
  {
    ...{ name: 'turnd_main_thread_delay_seconds', type: 'gauge' },
    help: 'How late the main thread was since the scrape before; with the dgram engine, media waits as long.',
    labels: { percentile: '50, 99, or 100: the longest' },
    samples: ({ process }) => process.takeDelays().map(([percentile, seconds]) => [{ percentile }, seconds]),
  },
]

/** In the order in which they are documented. */
export const METRICS: readonly MetricRow[] = [...SERVER_METRICS, ...COUNTER_METRICS, ...PROCESS_METRICS]

export class Metrics {
  readonly #registry = new Registry()
  readonly #administered: Pick<Administered, 'counters' | 'status'>
  readonly #process = new ProcessFacts()
  readonly #families = METRICS.map(({ help, labels, name, type }) => {
    const options = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] }
    return type === 'counter' ? new Counter(options) : new Gauge(options)
  })

  constructor(administered: Pick<Administered, 'counters' | 'status'>) {
    this.#administered = administered
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of a scrape. */
  read(): Promise<string> {
    const facts = {
      status: this.#administered.status(),
      counters: this.#administered.counters(),
      process: this.#process,
    }
    for (const [index, family] of this.#families.entries()) {
      family.reset()
      for (const [labels, value] of METRICS[index].samples(facts)) {
        // A counter that was reset is as good as new: what it counts is counted elsewhere.
        if (Number.isFinite(value)) family.inc(labels, value)
      }
    }
    return this.#registry.metrics()
  }

  close(): void {
    this.#process.close()
  }
}

/** A counter with one label, whose values are known. */
function reasons(
  name: string,
  help: string,
  labels: Labels,
  values: readonly string[],
  of: (counters: CounterValues, value: string) => number | undefined,
): MetricRow {
  const [label] = Object.keys(labels)
  const samples = ({ counters }: MetricFacts): MetricSample[] => {
    return values.map((value) => [{ [label]: value }, of(counters, value) ?? 0])
  }
  return { name, type: 'counter', help, labels, samples }
}
