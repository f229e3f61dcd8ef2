// The keys of a Sample, for code that keeps samples by column: apart from the schema, so that a server without a page loads no library for it.
import type { Sample } from './status.js'

export const SAMPLE_KEYS: readonly (keyof Sample)[] = [
  ...(['time', 'clients', 'relaysUdp', 'relaysTcp', 'relaysTls'] as const),
  ...(['bitsReceivedPerSecond', 'bitsSentPerSecond', 'packetsReceivedPerSecond', 'packetsSentPerSecond'] as const),
  ...(['dropsPerSecond', 'refusalsPerSecond', 'cpuCores', 'residentBytes'] as const),
]
