// A core at two addresses with two ports each, as --nat-discovery has them, and what leaves from where.
import { FiveTuple, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { CoreHarness, type CoreHarnessOptions } from './core-harness.js'
import { addressOf } from './turn-address.js'

/** By listener id. */
export const PLACES = [
  '192.0.2.1:3478',
  '192.0.2.2:3478',
  '192.0.2.1:3479',
  '192.0.2.2:3479',
  '192.0.2.9:3478',
] as const
/** What clients know the first two hosts as. */
export const PUBLIC_HOSTS = ['203.0.113.1', '203.0.113.2'] as const

export interface DiscoveryStageOptions extends CoreHarnessOptions {
  /** Behind static NAT. */
  readonly isTranslated?: boolean
  readonly isForTcp?: boolean
  /** The listener of the last two is closed. */
  readonly isAlternateClosed?: boolean
}

export interface Sent {
  /** The transport address that it left from, and that it went to. */
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
}

export function discoveryStage(options: DiscoveryStageOptions = {}): CoreHarness {
  const { isAlternateClosed = false, isForTcp = false, isTranslated = false, ...rest } = options
  const addresses = [addressOf('192.0.2.1'), addressOf('192.0.2.2')] as const
  const advertised = [addressOf(PUBLIC_HOSTS[0]), addressOf(PUBLIC_HOSTS[1])] as const
  const known = PLACES.map(addressOf)
  return new CoreHarness({
    serverAddresses: {
      localAddressOf: ({ listenerId }) => known[listenerId] ?? null,
      findListener: (address) => (isAlternateClosed ? -1 : known.findIndex((one) => one.equals(address))),
    },
    discoveryPairs: [{ addresses, advertised: isTranslated ? advertised : addresses, ports: [3478, 3479], isForTcp }],
    ...rest,
  })
}

/** All that one datagram brings. */
export function sentFor(
  harness: CoreHarness,
  request: Uint8Array,
  client = '198.51.100.7:50000',
  listenerId = 0,
  transport = TRANSPORT_UDP,
): readonly Sent[] {
  const fiveTuple = new FiveTuple()
  fiveTuple.client.copyFrom(addressOf(client))
  fiveTuple.listenerId = listenerId
  fiveTuple.transport = transport
  const { effects } = harness.output
  const first = effects.length
  harness.core.handleClientFrame(fiveTuple, request, 0, request.length)
  return effects.slice(first).map((effect) => {
    if (effect.kind !== 'message') throw new Error(`the core did this: ${effect.kind}`)
    return { from: PLACES[effect.client.listenerId], to: String(effect.client.client), bytes: effect.bytes }
  })
}
