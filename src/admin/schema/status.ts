// What the status page and GET /api/v1/status show of a running server, and the samples that its charts are drawn from.
// Schemas are TypeBox: one source for the checks of the API, its OpenAPI document, and the types of server and page.
import { type Static, Type } from './type.js'

/** ISO 8601 in UTC. */
export const Time = Type.String({ format: 'date-time' })
const Count = Type.Integer({ minimum: 0 })

export const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const
export const Transport = Type.Enum(TRANSPORTS)

export const Alarm = Type.Object({
  /** Stable: `licence-approaching`, `licence-reached`, `certificate-expiring` … */
  id: Type.String(),
  /** The number that an Expressway has for it, in the expressway profiles. */
  number: Type.Union([Type.Integer(), Type.Null()]),
  severity: Type.Enum(['warning', 'critical']),
  /** What is wrong, one sentence, and what to do. */
  text: Type.String(),
  remedy: Type.String(),
  raisedTime: Time,
})

export const CertificateFacts = Type.Object({
  subject: Type.String(),
  /** DNS names and IP addresses. */
  names: Type.Array(Type.String()),
  validToTime: Time,
  daysLeft: Type.Integer(),
  fingerprint256: Type.String(),
})

export const Listener = Type.Object({
  scheme: Transport,
  host: Type.String(),
  port: Type.Integer(),
  /** null where clients come in the clear. */
  certificate: Type.Union([CertificateFacts, Type.Null()]),
})

/** Users of stores outside this process: Redis, a webhook. */
export const UserStores = Type.Object({
  /** In the order in which they are asked. */
  stores: Type.Array(
    Type.Object({
      name: Type.String(),
      /** What is wrong with it, a sentence; '' while it answers. */
      problem: Type.String(),
    }),
  ),
  /** Look-ups since the start, by what came of them; `remembered`: those that asked nobody. */
  lookups: Type.Object({ found: Count, unknown: Count, refused: Count, failed: Count, remembered: Count }),
  /** Users that are remembered. */
  knownUsers: Count,
})

export const Status = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  startTime: Time,
  time: Time,
  uptimeSeconds: Count,
  /** In Expressway's words. */
  status: Type.Enum(['Active', 'Draining', 'Inactive']),
  realm: Type.String(),
  engine: Type.Enum(['native', 'dgram']),
  /** Why it is not the best one; '' if it is, or was asked for. */
  engineReason: Type.String(),
  workerCount: Count,
  uris: Type.Array(Type.String()),
  listeners: Type.Array(Listener),
  /** Local address, and as clients see it. */
  relayAddresses: Type.Array(Type.Object({ address: Type.String(), advertised: Type.String() })),
  relayPorts: Type.Object({ min: Type.Integer(), max: Type.Integer() }),
  /** 5-tuples with an allocation. */
  activeClients: Count,
  /** Relays by how their client is connected. */
  relays: Type.Object({ udp: Count, tcp: Count, tls: Count, dtls: Count }),
  licence: Type.Object({ used: Count, limit: Count }),
  /** null without such a store. */
  userStores: Type.Union([UserStores, Type.Null()]),
  /** Other servers that clients may be sent to, names with their addresses; none: clients are not sent elsewhere. */
  alternates: Type.Array(Type.String()),
  alarms: Type.Array(Alarm),
})

/** One second: rates are per second, over the time since the sample before. */
export const Sample = Type.Object({
  /** Unix time in seconds. */
  time: Type.Number(),
  clients: Count,
  relaysUdp: Count,
  relaysTcp: Count,
  /** DTLS included. */
  relaysTls: Count,
  bitsReceivedPerSecond: Type.Number(),
  bitsSentPerSecond: Type.Number(),
  packetsReceivedPerSecond: Type.Number(),
  packetsSentPerSecond: Type.Number(),
  dropsPerSecond: Type.Number(),
  refusalsPerSecond: Type.Number(),
  /** 1: one core is busy. */
  cpuCores: Type.Number(),
  residentBytes: Type.Number(),
})

/** Samples by column, oldest first, as charts take them: each key of a Sample is an array of the same length. */
export const History = Type.Object({
  stepSeconds: Type.Integer(),
  columns: Type.Record(Type.String(), Type.Array(Type.Number())),
})
/** `recent`: ten minutes by seconds; `day`: a day by minutes. */
export const HistoryRange = Type.Enum(['recent', 'day'])

export type Alarm = Static<typeof Alarm>
export type CertificateFacts = Static<typeof CertificateFacts>
export type Listener = Static<typeof Listener>
export type UserStores = Static<typeof UserStores>
export type Status = Static<typeof Status>
export type Sample = Static<typeof Sample>
export type History = Static<typeof History>
export type HistoryRange = Static<typeof HistoryRange>
