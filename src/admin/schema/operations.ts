// What an operator does to a running server: captures, reloads, drains, sessions.

import {
  ADMIN_ADDRESS_LENGTH_MAX,
  ADMIN_ID_LENGTH_MAX,
  ADMIN_NAME_LENGTH_MAX,
  DRAIN_SECONDS_MAX,
  LOGIN_TOKEN_LENGTH_MAX,
} from '../../limits/admin.js'
import { CAPTURE_BYTES_MAX, CAPTURE_BYTES_MIN, CAPTURE_SECONDS_MAX } from '../../limits/captures.js'
import { Time } from './status.js'
import { type Static, Type } from './type.js'

const Count = Type.Integer({ minimum: 0 })

export const CaptureRequest = Type.Object(
  {
    /** The id of a client: both of its sides. Or the relayed transport address of one relay: its peers' side. One of them. */
    client: Type.Optional(Type.String({ maxLength: ADMIN_ID_LENGTH_MAX })),
    relay: Type.Optional(Type.String({ maxLength: ADMIN_ADDRESS_LENGTH_MAX })),
    seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: CAPTURE_SECONDS_MAX })),
    bytes: Type.Optional(Type.Integer({ minimum: CAPTURE_BYTES_MIN, maximum: CAPTURE_BYTES_MAX })),
  },
  { additionalProperties: false, examples: [{ client: '0-17', seconds: 60 }] },
)

export const Capture = Type.Object({
  id: Type.String(),
  /** What is recorded, in words: `client 192.0.2.1:5000 of alice`. */
  target: Type.String(),
  startTime: Time,
  /** null while it runs. */
  endTime: Type.Union([Time, Type.Null()]),
  /** Why it ended: `stopped`, `time`, `size`, `client-gone`; '' while it runs. */
  endReason: Type.String(),
  packets: Count,
  /** Of the file so far. */
  bytes: Count,
  /** Packets that found no room on their way. */
  lostPackets: Count,
  secondsMax: Count,
  bytesMax: Count,
})

export const ReloadRequest = Type.Object(
  { dryRun: Type.Optional(Type.Boolean()) },
  { additionalProperties: false, examples: [{ dryRun: true }] },
)

export const SettingChange = Type.Object({
  /** `--max-bps`, or what else is read again: `the users file`. */
  name: Type.String(),
  /** As a person would write them; secrets are not shown. */
  from: Type.String(),
  to: Type.String(),
  /** `live`: takes effect now; `restart`: stays as it is until a restart. */
  effect: Type.Enum(['live', 'restart']),
  /** What it means for those who are connected, or why it needs a restart; '' when there is nothing to say. */
  note: Type.String(),
})

export const ReloadResult = Type.Object({
  /** False: nothing was changed, because it was not asked to or could not. */
  applied: Type.Boolean(),
  changes: Type.Array(SettingChange),
  /** Why it failed as a whole, one sentence each; what was before is in force. */
  errors: Type.Array(Type.String()),
  warnings: Type.Array(Type.String()),
})

export const DrainRequest = Type.Object(
  { timeoutSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: DRAIN_SECONDS_MAX })) },
  { additionalProperties: false, examples: [{ timeoutSeconds: 600 }] },
)

export const Login = Type.Union(
  [
    Type.Object(
      {
        user: Type.String({ maxLength: ADMIN_NAME_LENGTH_MAX }),
        password: Type.String({ maxLength: ADMIN_NAME_LENGTH_MAX }),
      },
      { additionalProperties: false },
    ),
    /** Of a one-time login link. */
    Type.Object({ loginToken: Type.String({ maxLength: LOGIN_TOKEN_LENGTH_MAX }) }, { additionalProperties: false }),
  ],
  { examples: [{ user: 'root', password: 'a long password' }, { loginToken: 'TOKEN' }] },
)

export const Session = Type.Object({
  /** An admin user, or `operator` for who came by a login link. */
  user: Type.String(),
  expiresTime: Time,
})

/** With the token, which `Authorization: Bearer` takes; the cookie is the same. */
export const NewSession = Type.Object({ ...Session.properties, token: Type.String() })

/** Every error of the API. */
export const ApiError = Type.Object({
  statusCode: Type.Integer(),
  /** Stable: `TURND_ERR_…`, or `UNAUTHORIZED`, `NOT_FOUND` … */
  code: Type.String(),
  /** One sentence, and what to do. */
  message: Type.String(),
})

export type CaptureRequest = Static<typeof CaptureRequest>
export type Capture = Static<typeof Capture>
export type ReloadRequest = Static<typeof ReloadRequest>
export type SettingChange = Static<typeof SettingChange>
export type ReloadResult = Static<typeof ReloadResult>
export type DrainRequest = Static<typeof DrainRequest>
export type Login = Static<typeof Login>
export type Session = Static<typeof Session>
export type NewSession = Static<typeof NewSession>
export type ApiError = Static<typeof ApiError>
