// Which charts the overview has.
import type { ChartSpec } from './chart.js'
import { bitRate, bytes, cores, count, perSecond } from './format.js'

export const CHARTS: readonly ChartSpec[] = [
  {
    id: 'relays',
    title: 'Relays by client transport',
    unit: '',
    format: count,
    least: 4,
    series: [
      { key: 'relaysUdp', label: 'UDP', colour: 1 },
      { key: 'relaysTcp', label: 'TCP', colour: 2 },
      { key: 'relaysTls', label: 'TLS and DTLS', colour: 3 },
    ],
  },
  {
    id: 'bits',
    title: 'Bit rate',
    unit: 'bit/s',
    format: bitRate,
    least: 1000,
    series: [
      { key: 'bitsReceivedPerSecond', label: 'In', colour: 1 },
      { key: 'bitsSentPerSecond', label: 'Out', colour: 2 },
    ],
  },
  {
    id: 'packets',
    title: 'Packets',
    unit: 'per second',
    format: perSecond,
    least: 10,
    series: [
      { key: 'packetsReceivedPerSecond', label: 'In', colour: 1 },
      { key: 'packetsSentPerSecond', label: 'Out', colour: 2 },
    ],
  },
  {
    id: 'losses',
    title: 'Drops and refusals',
    unit: 'per second',
    format: perSecond,
    least: 1,
    series: [
      { key: 'dropsPerSecond', label: 'Drops', colour: 3 },
      { key: 'refusalsPerSecond', label: 'Refusals', colour: 4 },
    ],
  },
  {
    id: 'cpu',
    title: 'Processor',
    unit: 'cores',
    format: cores,
    least: 0.1,
    series: [{ key: 'cpuCores', label: 'Busy', colour: 1 }],
  },
  {
    id: 'memory',
    title: 'Memory',
    unit: 'bytes',
    format: bytes,
    least: 10_000_000,
    series: [{ key: 'residentBytes', label: 'Resident', colour: 2 }],
  },
]
