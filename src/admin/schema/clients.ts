// Clients and what hangs on them: relays, permissions, channels, counters.

import { CLIENT_PAGE_COUNT_MAX, CLIENT_SEARCH_LENGTH_MAX } from '../../limits/admin.js'
import { Time, Transport } from './status.js'
import { type Static, Type } from './type.js'

const Count = Type.Integer({ minimum: 0 })

/** A row of the table: one 5-tuple with its allocation. */
export const Client = Type.Object({
  /** Of the server's run: `WORKER-NUMBER`. */
  id: Type.String(),
  user: Type.String(),
  /** A textual transport address. */
  client: Type.String(),
  transport: Transport,
  /** As clients see them: one, or IPv4 and IPv6. */
  relayed: Type.Array(Type.String()),
  relayTransport: Type.Enum(['udp', 'tcp']),
  createdTime: Time,
  /** When the last of its relays ends unless it is refreshed. */
  expiresInSeconds: Count,
  permissionCount: Count,
  channelCount: Count,
  packetsFromClient: Count,
  bytesFromClient: Count,
  packetsToClient: Count,
  bytesToClient: Count,
})

export const ClientRelay = Type.Object({
  /** As clients see it. */
  relayed: Type.String(),
  /** What its socket is bound to. */
  bound: Type.String(),
  expiresInSeconds: Count,
})
export const ClientPermission = Type.Object({
  /** An IP address: permissions name no port. */
  peer: Type.String(),
  expiresInSeconds: Count,
})
export const ClientChannel = Type.Object({
  /** `0x4000` */
  number: Type.String(),
  peer: Type.String(),
  expiresInSeconds: Count,
})

/** What a page shows of one client when it is opened. */
export const ClientDetail = Type.Object({
  ...Client.properties,
  relays: Type.Array(ClientRelay),
  permissions: Type.Array(ClientPermission),
  channels: Type.Array(ClientChannel),
  requestsReceived: Count,
  successResponsesSent: Count,
  errorResponsesSent: Count,
})

export const CLIENT_SORT_KEYS = [
  ...(['user', 'client', 'transport', 'relayed', 'createdTime', 'expiresInSeconds'] as const),
  ...(['permissionCount', 'channelCount'] as const),
  ...(['packetsFromClient', 'bytesFromClient', 'packetsToClient', 'bytesToClient'] as const),
] as const

export const ClientQuery = Type.Object(
  {
    /** Part of a user name, an address or a relayed address; upper and lower case are the same. */
    search: Type.Optional(Type.String({ maxLength: CLIENT_SEARCH_LENGTH_MAX })),
    sort: Type.Optional(Type.Enum(CLIENT_SORT_KEYS)),
    order: Type.Optional(Type.Enum(['asc', 'desc'])),
    offset: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: CLIENT_PAGE_COUNT_MAX })),
  },
  { additionalProperties: false },
)

export const ClientPage = Type.Object({
  /** All, and those that match. */
  total: Count,
  matching: Count,
  offset: Count,
  clients: Type.Array(Client),
})

export type Client = Static<typeof Client>
export type ClientRelay = Static<typeof ClientRelay>
export type ClientPermission = Static<typeof ClientPermission>
export type ClientChannel = Static<typeof ClientChannel>
export type ClientDetail = Static<typeof ClientDetail>
export type ClientQuery = Static<typeof ClientQuery>
export type ClientPage = Static<typeof ClientPage>
