// The native engine on kernels that lack one of its offloads, as the self-test's switch pretends: packets are received or sent one by one,
// and everything that is about data holds all the same. What such packets never meet is in the long run.
import pino from 'pino'
import t from 'tap'
import { createTurnServer } from '../../src/index.js'
import { NATIVE } from '../support/engines.js'
import { conformance, DATA_SECTIONS, OFFLOAD_SECTIONS } from './conformance.js'
import { udpTransport } from './udp-transport.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const RELAY_PORTS = { first: 20_000, last: 20_999 }

const withOffloads = (missing: 'gro' | 'gso') => {
  const transport = udpTransport(NATIVE, RELAY_PORTS)
  const startServer: typeof transport.startServer = async (options, hosts) => {
    // The self-test reads it when a server starts; sections run one after the other.
    process.env.TURND_SELF_TEST_FAIL = missing
    const ready: Record<string, unknown>[] = []
    const write = (line: string) => void ready.push(JSON.parse(line))
    const listen = hosts.map((host) => `udp:${host.includes(':') ? `[${host}]` : host}:0`)
    const server = createTurnServer({ ...NATIVE.options, listen, ...options }, pino({ level: 'info' }, { write }))
    await server.start()
    const { engine, offloads } = ready.find(({ event }) => event === 'ready') ?? {}
    const expected = { gro: missing !== 'gro', gso: missing !== 'gso' }
    if (engine !== 'native' || JSON.stringify(offloads) !== JSON.stringify(expected)) {
      throw new Error(`the server runs on ${engine} with ${JSON.stringify(offloads)}`)
    }
    return server
  }
  return { ...transport, name: `${transport.name} without ${missing}`, startServer }
}

for (const missing of ['gro', 'gso'] as const) {
  if (NATIVE.skip === false) conformance(t, withOffloads(missing), isLong ? DATA_SECTIONS : OFFLOAD_SECTIONS[missing])
  else t.test(`conformance of the native engine without ${missing}`, { skip: NATIVE.skip }, () => {})
}
