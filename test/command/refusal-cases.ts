// How each reason of the catalogue is provoked over real sockets: one case a reason, each from a source address of its own, so that what
// `turnd why` says of it is told apart from the rest. Used by why-reasons.test.ts.
import { createHmac } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import type { Test } from 'tap'
import type { ConnectionRefusal } from '../../src/log/connection-refusals.js'
import type { RefusalReason } from '../../src/log/refusals.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_MOBILITY_TICKET,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_MD5,
  TRANSPORT_PROTOCOL_TCP,
} from '../../src/stun/constants.js'
import { macKeyOf, NORTH, SOUTH, type TokenWish, tokenOf } from '../support/access-token.js'
import { connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import type { ReceivedMessage } from '../support/received-message.js'
import type { ServerProcess } from '../support/server-process.js'
import { connectTcp } from '../support/stream-client.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { addressOf } from '../support/turn-address.js'
import {
  type AllocateOptions,
  describeAllocate,
  MODERN,
  type RequestOptions,
  TurnClient,
} from '../support/turn-client.js'

export const PASSWORD = 'hunter2'
export const SECRET = 'shared-with-the-web-service'
export const USERS = ['alice', 'bob', 'carol']
/** In the users file, with that password, and disabled. */
export const DISABLED_USER = 'dora'
/** The second one's time has passed. */
export const [KID, EXPIRED_KID] = ['north', 'south']
export const OAUTH_KEYS = [
  `${KID} A256GCM ${Buffer.from(NORTH.key).toString('base64')}`,
  `${EXPIRED_KID} A128GCM ${Buffer.from(SOUTH.key).toString('base64')} 1000000000 60`,
]
export const PROXY = '127.80.0.9'
export const [USER_QUOTA, MAX_ALLOCATIONS, PORT_COUNT, LIMIT] = [4, 8, 10, 2]

const TCP = { protocol: TRANSPORT_PROTOCOL_TCP } as const
const SCTP = 132
const PRIVATE_PEER = '10.0.0.1'
const CONNECTIONS_OF_ADDRESS_MAX = 256

/** Where clients of a case come from. */
export class Origin {
  readonly t: Test
  readonly server: ServerProcess
  readonly address: string

  constructor(t: Test, server: ServerProcess, address: string) {
    this.t = t
    this.server = server
    this.address = address
  }

  async udp(username = 'alice', more: RequestOptions = {}): Promise<TurnClient> {
    const transport = await connectUdp('127.0.0.1', this.server.port(), this.address)
    return TurnClient.on(this.t, transport, { username, password: PASSWORD, ...more })
  }

  async tcp(username = 'alice'): Promise<TurnClient> {
    const transport = await connectTcp('127.0.0.1', this.server.port('', 'tcp'), this.address)
    return TurnClient.on(this.t, transport, { username, password: PASSWORD })
  }

  /** Sends bytes and waits until the server closes. */
  async closedAfter(scheme: 'tcp' | 'tls', bytes: Uint8Array): Promise<void> {
    const { address: localAddress, server } = this
    const socket = connectSocket({ host: '127.0.0.1', port: server.port('', scheme), localAddress })
    socket.on('error', () => {})
    // A reset is an end as good as any.
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
    socket.end(bytes)
    socket.resume()
    await withDeadline(closed, 60_000, () => `the server keeps a connection to its ${scheme} listener`)
  }
}

export interface RefusedRequest {
  readonly method: string
  readonly code: number
  /** alice, unless it says so; '' where the request names nobody. */
  readonly user?: string
  readonly peer?: string
  /** Makes the server refuse; returns the answer that the client got. */
  readonly provoke: (from: Origin) => Promise<ReceivedMessage>
}

/** What can be provoked one by one: each leaves nothing behind but what it was refused. */
export const REFUSED_REQUESTS: Partial<Record<RefusalReason, RefusedRequest>> = {
  'unknown-user': allocateWith(401, { username: 'mallory' }, 'mallory'),
  'disabled-user': allocateWith(401, { username: DISABLED_USER }, DISABLED_USER),
  'bad-password': allocateWith(401, { password: 'wrong' }),
  'wrong-realm': allocateWith(401, { realm: 'elsewhere' }),
  'expired-credential': ofRestName('1000000001:alice'),
  'too-long-lived': ofRestName('9999999999:alice'),
  'unknown-oauth-key': ofToken('nobody', {}),
  'bad-token': ofToken(KID, { serverName: 'another.octavio.com' }),
  'expired-token': ofToken(KID, { timestampSeconds: nowSeconds() - 7200 }),
  'expired-oauth-key': ofToken(EXPIRED_KID, {}),
  'stale-nonce': allocateWith(438, { nonce: 'from-another-server' }),
  'missing-attribute': allocateWith(400, { nonce: null }),
  'bid-down': allocateWith(400, { ...MODERN, algorithms: [PASSWORD_ALGORITHM_MD5] }),
  'malformed-attribute': ofAllocation('ChannelBind', 400, (client) =>
    client.request(METHOD_CHANNEL_BIND, (writer) => {
      writer.writeBytes(ATTRIBUTE_CHANNEL_NUMBER, Uint8Array.of(0x40, 0))
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peerOf(5000))
    }),
  ),
  'unknown-attribute': {
    ...{ method: 'Refresh', code: 420 },
    provoke: async (from) => (await from.udp()).request(METHOD_REFRESH, (writer) => writer.writeEmpty(0x7f01)),
  },
  'bad-request': {
    ...{ method: 'Allocate', code: 400 },
    provoke: async (from) => (await from.udp()).allocate({ token: Buffer.alloc(8), evenPort: 'even' }),
  },
  'allocation-exists': ofAllocation('Allocate', 437, (client) => client.request(METHOD_ALLOCATE, describeAllocate)),
  'no-allocation': { method: 'Refresh', code: 437, provoke: async (from) => (await from.udp()).refresh() },
  'wrong-credentials': {
    ...{ method: 'Refresh', code: 441, user: 'bob' },
    provoke: (from) => withAllocation(from, (client) => client.refresh({}, { username: 'bob' })),
  },
  'unsupported-transport': {
    ...{ method: 'Allocate', code: 442 },
    provoke: async (from) => (await from.udp()).allocate({ protocol: SCTP }),
  },
  'unsupported-address-family': {
    ...{ method: 'Allocate', code: 440 },
    provoke: async (from) => (await from.udp()).allocate({ family: 6 }),
  },
  'peer-family-mismatch': ofAllocation('CreatePermission', 443, (client) =>
    client.createPermission(addressOf('[2001:db8::1]:5000')),
  ),
  'reservation-invalid': {
    ...{ method: 'Allocate', code: 508 },
    provoke: async (from) => (await from.udp()).allocate({ token: Buffer.alloc(8) }),
  },
  'peer-policy': {
    ...ofAllocation('CreatePermission', 403, (client) => client.createPermission(addressOf(`${PRIVATE_PEER}:80`))),
    peer: `${PRIVATE_PEER}:80`,
  },
  'permission-limit': ofAllocation('CreatePermission', 508, async (client) => {
    await client.createPermission(addressOf('127.0.1.1'), addressOf('127.0.1.2'))
    return client.createPermission(addressOf('127.0.1.3'))
  }),
  'channel-limit': ofAllocation('ChannelBind', 508, async (client) => {
    for (let index = 0; index < LIMIT; index++) await client.bindChannel(0x4000 + index, peerOf(5000 + index))
    return client.bindChannel(0x4000 + LIMIT, peerOf(5000 + LIMIT))
  }),
  'channel-number': ofAllocation('ChannelBind', 400, (client) => client.bindChannel(0x5000, peerOf(5000))),
  'channel-conflict': ofAllocation('ChannelBind', 400, async (client) => {
    await client.bindChannel(0x4000, peerOf(5000))
    return client.bindChannel(0x4000, peerOf(5001))
  }),
  'relay-transport': {
    ...{ method: 'Connect', code: 400 },
    provoke: async (from) => {
      const client = await from.tcp()
      await client.allocate()
      return released(client, await client.connectPeer(peerOf(9)))
    },
  },
  'data-connection': {
    method: 'ConnectionBind',
    code: 400,
    provoke: async (from) => (await from.udp()).bindConnection(1),
  },
  'mobility-elsewhere': ofTicket(405, async (from, _, ticket) => move(await from.tcp(), ticket)),
  'ticket-invalid': {
    ...{ method: 'Refresh', code: 400 },
    provoke: async (from) => move(await from.udp(), 'A'.repeat(32)),
  },
  'ticket-used': ofTicket(400, async (from, _, ticket) => {
    const next = (await move(await from.udp(), ticket)).text(ATTRIBUTE_MOBILITY_TICKET)
    await move(await from.udp(), next)
    return move(await from.udp(), ticket)
  }),
  'not-moved': ofTicket(400, (_, client, ticket) => move(client, ticket)),
  'connection-unknown': {
    ...{ method: 'ConnectionBind', code: 400 },
    provoke: async (from) => (await from.tcp()).bindConnection(1),
  },
  'connection-exists': ofTcpRelay(446, async (client, t) => {
    const peer = await TcpPeer.open(t)
    await client.connectPeer(peer.address)
    return client.connectPeer(peer.address)
  }),
  'connection-failed': ofTcpRelay(447, (client) => client.connectPeer(peerOf(9))),
}

export const REFUSED_CONNECTIONS: Partial<Record<ConnectionRefusal, (from: Origin) => Promise<void>>> = {
  'not-stun': (from) => from.closedAfter('tcp', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(10))),
  // A ClientHello that is none.
  'tls-handshake': (from) => from.closedAfter('tls', Uint8Array.of(22, 3, 1, 0, 4, 1, 0, 0, 0)),
  'http-host': (from) => from.closedAfter('tls', Buffer.from('GET / HTTP/1.1\r\nHost: cms.internal\r\n\r\n')),
  'proxy-header': (from) => from.closedAfter('tcp', Buffer.alloc(60, 'x')),
  'connection-cap': async (from) => {
    const { address: localAddress, server, t } = from
    const to = { host: '127.0.0.1', port: server.port('', 'tcp'), localAddress }
    const sockets = Array.from({ length: CONNECTIONS_OF_ADDRESS_MAX + 1 }, () => connectSocket(to))
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
    })
    // Two workers count them in any order: one is closed, whichever it is.
    const oneClosed = new Promise<void>((resolve) => {
      for (const socket of sockets) socket.on('error', () => {}).once('close', () => resolve())
    })
    await withDeadline(oneClosed, 60_000, () => 'no connection was closed')
  },
}

/** The same address as a source, by the place in the table. */
export function originOf(t: Test, server: ServerProcess, index: number): Origin {
  return new Origin(t, server, `127.80.1.${index + 1}`)
}

function ofToken(kid: string, wish: TokenWish): RefusedRequest {
  const key = macKeyOf(7)
  const provoke = (from: Origin) => {
    const token = { timestampSeconds: nowSeconds(), serverName: 'turnd', macKey: key, ...wish }
    const accessToken = tokenOf({ ...token, key: kid === EXPIRED_KID ? SOUTH : NORTH })
    return allocateWith(401, { username: kid, key, accessToken }).provoke(from)
  }
  return { method: 'Allocate', code: 401, user: kid, provoke }
}

/** With a mobile allocation (RFC 8016), which ends then. */
function ofTicket(
  code: number,
  provoke: (from: Origin, client: TurnClient, ticket: string) => Promise<ReceivedMessage>,
): RefusedRequest {
  const describe: AllocateOptions = { extra: (writer) => writer.writeEmpty(ATTRIBUTE_MOBILITY_TICKET) }
  return {
    ...{ method: 'Refresh', code },
    provoke: async (from) => {
      const client = await from.udp()
      const ticket = (await client.allocate(describe)).text(ATTRIBUTE_MOBILITY_TICKET)
      return released(client, await provoke(from, client, ticket))
    },
  }
}

async function move(client: TurnClient, ticket: string): Promise<ReceivedMessage> {
  return client.request(METHOD_REFRESH, (writer) => writer.writeText(ATTRIBUTE_MOBILITY_TICKET, ticket))
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function ofRestName(username: string): RefusedRequest {
  return allocateWith(401, { username, password: restPassword(username) }, username)
}

function allocateWith(code: number, options: RequestOptions, user = 'alice'): RefusedRequest {
  return {
    ...{ method: 'Allocate', code, user },
    provoke: async (from) => (await from.udp()).request(METHOD_ALLOCATE, describeAllocate, options),
  }
}

function ofAllocation(
  method: string,
  code: number,
  ask: (client: TurnClient) => Promise<ReceivedMessage>,
): RefusedRequest {
  return { method, code, provoke: (from) => withAllocation(from, ask) }
}

async function withAllocation(from: Origin, ask: (client: TurnClient) => Promise<ReceivedMessage>) {
  const client = await from.udp()
  await client.allocate()
  return released(client, await ask(client))
}

function ofTcpRelay(code: number, ask: (client: TurnClient, t: Test) => Promise<ReceivedMessage>): RefusedRequest {
  return {
    ...{ method: 'Connect', code },
    provoke: async (from) => {
      const client = await from.tcp()
      await client.allocate(TCP)
      return released(client, await ask(client, from.t))
    },
  }
}

/** Others need its place. */
async function released(client: TurnClient, answer: ReceivedMessage): Promise<ReceivedMessage> {
  await client.refresh({ lifetimeSeconds: 0 })
  return answer
}

function peerOf(port: number) {
  return addressOf(`127.0.0.1:${port}`)
}

function restPassword(username: string): string {
  return createHmac('sha1', SECRET).update(username).digest('base64')
}
