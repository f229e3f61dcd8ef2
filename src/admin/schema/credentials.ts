// TURN REST credentials that are issued over HTTP: what is asked, and the answer in the shape of the draft (draft-uberti-behave-turn-rest-00 §2).
import { REST_LIFETIME_SECONDS_MAX } from '../../limits/turn.js'
import { type Static, Type } from './type.js'

const ttl = Type.Integer({ minimum: 1, maximum: REST_LIFETIME_SECONDS_MAX })

export const CredentialsRequest = Type.Object(
  {
    /** Whose they are: quotas count for this name. */
    user: Type.Optional(Type.String({ minLength: 1 })),
    /** Seconds; --auth-secret-lifetime without it. */
    ttl: Type.Optional(ttl),
  },
  { additionalProperties: false, examples: [{ user: 'alice', ttl: 3600 }] },
)

/** As the draft has it. */
export const CredentialsQuery = Type.Object(
  {
    service: Type.Optional(Type.Enum(['turn'])),
    username: Type.Optional(Type.String({ minLength: 1 })),
    ttl: Type.Optional(ttl),
  },
  { additionalProperties: false },
)

export const Credentials = Type.Object({
  username: Type.String(),
  password: Type.String(),
  ttl: Type.Integer(),
  uris: Type.Array(Type.String()),
  /** For RTCPeerConnection. */
  iceServers: Type.Array(
    Type.Object({ urls: Type.Array(Type.String()), username: Type.String(), credential: Type.String() }),
  ),
})

export type Credentials = Static<typeof Credentials>
