// What a call bridge would find at a TURN server: each address of its name is asked from here, by our own client, for a Binding and an allocation, which is
// given back at once. STUN and TURN requests are all that is ever sent. Loaded when the first object is measured.
import type { CallBridgeTurnServer } from '../../auth/turn-servers-file.js'
import { allocate } from '../../client/allocate.js'
import type { ClientCredentials } from '../../client/client-credentials.js'
import { ClientError, StunError } from '../../client/client-error.js'
import { Deadline } from '../../client/deadline.js'
import { resolveHost } from '../../client/resolve-host.js'
import { openTransport } from '../../client/transport.js'
import { type Allocation, type BindingResult, TurnClient } from '../../client/turn-client.js'
import { CMS_ANSWER_MILLISECONDS_MAX, CMS_HOST_COUNT_MAX } from '../../limits/cms.js'
import { formatHost, type TransportAddress } from '../../stun/address.js'
import { cidrContains } from '../../stun/cidr.js'
import { ERROR_INTEGRITY_CHECK_FAILURE, ERROR_UNAUTHENTICATED, ERROR_WRONG_CREDENTIALS } from '../../stun/constants.js'
import { ALWAYS_DENIED } from '../../turn/address-blocks.js'
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

/** Runs when there is room for one more address. */
export type InTurn = <Result>(measure: () => Promise<Result>) => Promise<Result>

/** Rejects only if this program is at fault. */
export async function measure(
  turnServer: CallBridgeTurnServer,
  inTurn: InTurn,
  signal: AbortSignal,
): Promise<TurnServerStatus> {
  const { password, serverAddress, tcpPortNumberOverride, type, username } = turnServer
  const { tcpPort } = TYPES[type as keyof typeof TYPES] ?? TYPES[TYPE_DEFAULT]
  const credentials = username === '' ? null : { username, password }
  const addresses = await settled(resolve(serverAddress, signal))
  if (addresses instanceof ClientError) return { status: 'dnsFailure', hosts: [], reason: addresses.message }
  const hosts = await Promise.all(
    addresses.map((address) => {
      return inTurn(() => measureHost(address, tcpPortNumberOverride ?? tcpPort, credentials, signal))
    }),
  )
  const [first] = hosts
  const { reason, status } = hosts.find((host) => host.status === 'success') ?? first
  return { status, hosts, reason }
}

/** At least one. */
async function resolve(serverAddress: string, signal: AbortSignal): Promise<TransportAddress[]> {
  const place = placeOf(serverAddress)
  if (place === null) throw new ClientError('no-such-host', 'it is neither a name nor an IP address')
  const deadline = new Deadline(CMS_ANSWER_MILLISECONDS_MAX, signal)
  try {
    const found = await deadline.race(resolveHost(place.host, place.port), `no address of ${place.host}`)
    return found.slice(0, CMS_HOST_COUNT_MAX)
  } finally {
    deadline.clear()
  }
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
  const failed = (error: ClientError): HostStatus => ({
    ...{ address: host, port, transport, status: statusOf(error), reason: error.message },
    ...{ isReachable: false, roundTripMilliseconds: null, mapped: null },
  })
  // A name may lead anywhere: this one to what is nobody's address.
  if (ALWAYS_DENIED.some((block) => cidrContains(block, address))) {
    return failed(new ClientError('unreachable', `${host} is no address of a server`))
  }
  const options = { timeoutMilliseconds: CMS_ANSWER_MILLISECONDS_MAX, signal }
  const opened = await settled(openTransport({ transport, host, port }, options))
  if (opened instanceof ClientError) return failed(opened)
  const client = new TurnClient(opened, { credentials, answerMilliseconds: CMS_ANSWER_MILLISECONDS_MAX, signal })
  try {
    const [binding, allocation] = await Promise.all([settled(client.bind()), settled(allocate(client))])
    const hasAnswered = [binding, allocation].some((one) => !(one instanceof ClientError) || one instanceof StunError)
    if (!hasAnswered && client.server.challenge === null) return failed(allocation as ClientError)
    return { address: host, port, transport, isReachable: true, ...answered(binding, allocation) }
  } finally {
    await client.close()
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
