// Why calls failed, as one document: what was refused, to whom, how often, what was dropped, and who got through. Made by server/why.ts; the
// library, `turnd why`, the page and GET /api/v1/refusals show it.

import { ADMIN_NAME_LENGTH_MAX, WHY_FILTER_LENGTH_MAX } from '../../limits/admin.js'
import { Time } from './status.js'
import { type Static, type TSchema, Type } from './type.js'

const Count = Type.Integer({ minimum: 0 })
const ListOf = <Item extends TSchema>(item: Item, options: { readonly description: string }) =>
  Type.Immutable(Type.Array(item, options))

/** What to look for. What is not given matches everything. */
export const WhyFilter = Type.Object(
  {
    user: Type.Optional(
      Type.String({
        maxLength: ADMIN_NAME_LENGTH_MAX,
        description: 'A user name, or the part of a TURN REST name behind its time.',
      }),
    ),
    source: Type.Optional(
      Type.String({ maxLength: WHY_FILTER_LENGTH_MAX, description: 'An IP address or a CIDR block.' }),
    ),
    reason: Type.Optional(
      Type.String({ maxLength: WHY_FILTER_LENGTH_MAX, description: 'Why it was refused, closed or dropped.' }),
    ),
    sinceSeconds: Type.Optional(Type.Number({ minimum: 0, description: 'Seen within so many seconds.' })),
    entriesMax: Type.Optional(Type.Integer({ minimum: 0, description: 'At most so many entries of refusals.' })),
  },
  { additionalProperties: false },
)

export const WhyRefusal = Type.Object({
  reason: Type.String(),
  user: Type.String({ description: 'Empty where the request named none.' }),
  source: Type.String({ description: 'An IP address.' }),
  port: Type.Integer({ description: 'The last one that came from there.' }),
  peer: Type.String({ description: 'The last transport address of that peer; empty where none was involved.' }),
  method: Type.String({ description: 'Of the last request; empty for connections.' }),
  code: Type.Integer({ description: 'Of the last answer; 0: none was sent.' }),
  detail: Type.String({
    description: 'What else there is to say of the last one; of `http-host`: the Host that was asked for.',
  }),
  count: Type.Integer({
    minimum: 0,
    description:
      'Of reply-limit and failure-budget: in how many seconds this source was seen to get no answers, at least.',
  }),
  firstTime: Time,
  lastTime: Time,
  meaning: Type.String(),
  remedy: Type.String(),
})

export const WhyDrop = Type.Object({
  reason: Type.String(),
  count: Count,
  meaning: Type.String(),
  remedy: Type.String(),
})

export const WhyAllocations = Type.Object({
  user: Type.String(),
  source: Type.String(),
  count: Count,
  liveCount: Count,
  firstTime: Time,
  lastTime: Time,
  endedCount: Type.Integer({ minimum: 0, description: 'How many have ended; of those are the packets.' }),
  packetsFromClient: Count,
  packetsToClient: Count,
})

export const WhyReport = Type.Object({
  pid: Type.Integer(),
  startTime: Time,
  time: Time,
  engine: Type.Union([Type.Enum(['dgram', 'native']), Type.Null()], {
    description: 'null before the start and after the end.',
  }),
  listening: ListOf(Type.String(), { description: 'Such as `udp:192.0.2.1:3478`.' }),
  relayPorts: Type.Object({ min: Type.Integer(), max: Type.Integer() }),
  allocationCount: Count,
  packetsReceived: Count,
  refusals: ListOf(WhyRefusal, { description: 'What matches, most recent first.' }),
  leftOutCount: Type.Integer({ minimum: 0, description: 'Entries that match, but did not fit.' }),
  others: Type.Record(Type.String(), Count, {
    description: 'How often others were refused, whose user or source does not match, by reason.',
  }),
  notes: ListOf(Type.String(), {
    description:
      'What else is known, in sentences: how long TURN REST names hold when they come, and whether clocks differ.',
  }),
  unknownUsers: ListOf(Type.String(), {
    description: "Names of `unknown-user` that do not match: one may be the user's, mistyped.",
  }),
  totals: Type.Record(Type.String(), Count, {
    description:
      'Since the start, of all clients, by reason (that of the filter): all that happened, whether an entry tells of it or not.',
  }),
  undescribed: Type.Record(Type.String(), Count, {
    description:
      'Those of them that no entry tells of: floods are counted, not described; and old entries made room. What is looked for may be among them.',
  }),
  drops: ListOf(WhyDrop, { description: 'Drops without an answer since the start, of all clients together.' }),
  allocations: ListOf(WhyAllocations, { description: 'Who got allocations, most recent first; what matches.' }),
  allocationEntriesForgotten: Type.Integer({
    minimum: 0,
    description: 'Entries of those, whoever they were of, that made room for others since the start.',
  }),
})

export type WhyFilter = Readonly<Static<typeof WhyFilter>>
export type WhyRefusal = Readonly<Static<typeof WhyRefusal>>
export type WhyDrop = Readonly<Static<typeof WhyDrop>>
export type WhyAllocations = Readonly<Static<typeof WhyAllocations>>
export type WhyReport = Readonly<Static<typeof WhyReport>>
