// What a call bridge would find at a TURN server: each address of its name is asked from here, by our own client, for a Binding and an allocation, which is
// given back at once. STUN and TURN requests are all that is ever sent. Loaded when the first object is measured.
import type { CallBridgeTurnServer } from '../../auth/turn-servers-file.js'
import { allocate } from '../../client/allocate.js'
import type { ClientCredentials } from '../../client/client-credentials.js'
import { ClientError, StunError } from '../../client/client-error.js'
import { openTransport } from '../../client/transport.js'
import { type Allocation, type BindingResult, TurnClient } from '../../client/turn-client.js'
import { CMS_ANSWER_MILLISECONDS_MAX, CMS_HOST_COUNT_MAX } from '../../limits/cms.js'
import { formatHost, type TransportAddress } from '../../stun/address.js'
import { ERROR_INTEGRITY_CHECK_FAILURE, ERROR_UNAUTHENTICATED, ERROR_WRONG_CREDENTIALS } from '../../stun/constants.js'
import { isNobodysAddress } from '../../turn/nobodys-address.js'
import type { HostLookups } from './host-lookups.js'
import { type StatusName, TYPE_DEFAULT, TYPES } from './names.js'
import { placeOf } from './parameters.js'

/** An address of a TURN server, as it was found. */
export interface HostStatus {
  /** An IP address. */
  readonly address: string
  /** The port that answered; that of UDP if none did. */
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  readonly status: StatusName
  /** It answered, whatever it said. */
  readonly isReachable: boolean
  readonly roundTripMilliseconds: number | null
  /** Where it sees this machine; null if it does not say. */
  readonly mapped: TransportAddress | null
  /** What was found, as a part of a sentence. A server's words may be in it. */
  readonly reason: string
}

/** `success` if one of its addresses works: a call bridge uses that one. */
export interface TurnServerStatus {
  readonly status: StatusName
  readonly hosts: readonly HostStatus[]
  readonly reason: string
}

/** What measurements share. */
export interface Ground {
  readonly lookups: HostLookups
  /** Runs when there is room for one more address; rejects with a ClientError `aborted` if nobody wants it any more. */
  inTurn<Result>(measure: () => Promise<Result>): Promise<Result>
  readonly signal: AbortSignal
}

/** Rejects only if this program is at fault. */
export async function measure(turnServer: CallBridgeTurnServer, ground: Ground): Promise<TurnServerStatus> {
  const { lookups, signal } = ground
  const { password, serverAddress, tcpPortNumberOverride, type, username } = turnServer
  const { tcpPort } = TYPES[type as keyof typeof TYPES] ?? TYPES[TYPE_DEFAULT]
  const credentials = username === '' ? null : { username, password }
  const addresses = await settled(resolve(serverAddress, lookups, signal))
  if (addresses instanceof ClientError) return { status: 'dnsFailure', hosts: [], reason: addresses.message }
  const hosts = await Promise.all(
    addresses.map(async (address) => {
      const measuring = () => measureHost(address, tcpPortNumberOverride ?? tcpPort, credentials, signal)
      const host = await settled(ground.inTurn(measuring))
      return host instanceof ClientError ? failed('udp', address, host) : host
    }),
  )
  const [first] = hosts
  const { reason, status } = hosts.find((host) => host.status === 'success') ?? first
  return { status, hosts, reason }
}

/** At least one. */
async function resolve(serverAddress: string, lookups: HostLookups, signal: AbortSignal): Promise<TransportAddress[]> {
  const place = placeOf(serverAddress)
  if (place === null) throw new ClientError('no-such-host', 'it is neither a name nor an IP address')
  const found = await lookups.addressesOf(place.host, place.port, signal)
  return found.slice(0, CMS_HOST_COUNT_MAX)
}

/** Over UDP; where that gets no answer, over TCP, as clients do. */
async function measureHost(
  address: TransportAddress,
  tcpPort: number,
  credentials: ClientCredentials | null,
  signal: AbortSignal,
): Promise<HostStatus> {
  const overUdp = await ask('udp', address, credentials, signal)
  if (overUdp.isReachable || signal.aborted) return overUdp
  const tcpAddress = address.clone()
  tcpAddress.port = tcpPort
  const overTcp = await ask('tcp', tcpAddress, credentials, signal)
  if (!overTcp.isReachable) return { ...overUdp, reason: `${overUdp.reason}; ${overTcp.reason}` }
  return { ...overTcp, reason: `${overTcp.reason}, but not over UDP: ${overUdp.reason}` }
}

async function ask(
  transport: 'udp' | 'tcp',
  address: TransportAddress,
  credentials: ClientCredentials | null,
  signal: AbortSignal,
): Promise<HostStatus> {
  const { port } = address
  const host = formatHost(address)
  // A name may lead anywhere: this one to what is nobody's address.
  if (isNobodysAddress(address)) {
    return failed(transport, address, new ClientError('unreachable', `${host} is no address of a server`))
  }
  const options = { timeoutMilliseconds: CMS_ANSWER_MILLISECONDS_MAX, signal }
  const opened = await settled(openTransport({ transport, host, port }, options))
  if (opened instanceof ClientError) return failed(transport, address, opened)
  const client = new TurnClient(opened, { credentials, answerMilliseconds: CMS_ANSWER_MILLISECONDS_MAX, signal })
  try {
    const [binding, allocation] = await Promise.all([settled(client.bind()), settled(allocate(client))])
    const hasAnswered = [binding, allocation].some((one) => !(one instanceof ClientError) || one instanceof StunError)
    if (!hasAnswered && client.server.challenge === null) return failed(transport, address, allocation as ClientError)
    return { address: host, port, transport, isReachable: true, ...answered(binding, allocation) }
  } finally {
    await client.close()
  }
}

function failed(transport: 'udp' | 'tcp', address: TransportAddress, error: ClientError): HostStatus {
  return {
    ...{ address: formatHost(address), port: address.port, transport },
    ...{ status: statusOf(error), reason: error.message },
    ...{ isReachable: false, roundTripMilliseconds: null, mapped: null },
  }
}

/** Some servers answer no Binding without credentials: an allocation says the same. */
function answered(binding: BindingResult | ClientError, allocation: Allocation | ClientError) {
  const isBound = !(binding instanceof ClientError)
  const isAllocated = !(allocation instanceof ClientError)
  const exchange = isBound ? binding.exchange : isAllocated ? allocation.exchange : null
  return {
    roundTripMilliseconds: exchange?.roundTripMilliseconds ?? null,
    mapped: isBound ? binding.mapped : isAllocated ? allocation.mapped : null,
    status: isAllocated ? ('success' as const) : statusOf(allocation),
    reason: isAllocated ? `it gives an allocation, ${allocation.relayed}` : allocation.message,
  }
}

function statusOf(error: ClientError): StatusName {
  if (error instanceof StunError) return REFUSED.includes(error.number) ? 'unauthorized' : 'allocationFailure'
  switch (error.code) {
    case 'no-credentials':
    case 'bad-credentials':
    case 'wrong-integrity':
      return 'unauthorized'
    case 'no-answer':
    case 'aborted':
      return 'timeout'
    case 'bad-answer':
      return 'allocationFailure'
    default:
      return 'connectionFailure'
  }
}

const REFUSED = [ERROR_UNAUTHENTICATED, ERROR_INTEGRITY_CHECK_FAILURE, ERROR_WRONG_CREDENTIALS]

function settled<Value>(promise: Promise<Value>): Promise<Value | ClientError> {
  return promise.catch((error: unknown) => {
    if (error instanceof ClientError) return error
    throw error
  })
}
