// Users as the page and the API see them: never a password but one that was made up in this very answer, never a key.

import { ADMIN_NAME_LENGTH_MAX } from '../../limits/admin.js'
import { Time } from './status.js'
import { type Static, Type } from './type.js'

/** `turn` users allocate relays, `admin` users log in here; the two share no keys. */
export const UserRole = Type.Enum(['turn', 'admin'])

export const User = Type.Object({
  name: Type.String(),
  role: UserRole,
  /** Of admin users ''. */
  realm: Type.String(),
  /** Only those of the users file can be changed here. */
  source: Type.Enum(['users-file', 'option', 'generated']),
  disabled: Type.Boolean(),
  /** Allocations of now. */
  allocations: Type.Integer({ minimum: 0 }),
})

export const UserAddition = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: ADMIN_NAME_LENGTH_MAX }),
    role: UserRole,
    /** Without one it is made up, and is in the answer. */
    password: Type.Optional(Type.String({ minLength: 1, maxLength: ADMIN_NAME_LENGTH_MAX })),
  },
  { additionalProperties: false, examples: [{ name: 'bob', role: 'turn' }] },
)

export const UserChange = Type.Object(
  {
    disabled: Type.Optional(Type.Boolean()),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: ADMIN_NAME_LENGTH_MAX })),
    /** A new password is made up, and is in the answer. */
    generatePassword: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, examples: [{ disabled: true }, { generatePassword: true }] },
)

export const ChangedUser = Type.Object({
  user: User,
  /** Only if it was made up: shown once. */
  password: Type.Optional(Type.String()),
})

/** For the test from a browser: a user that lives for minutes. */
export const TestCredentials = Type.Object({
  username: Type.String(),
  password: Type.String(),
  expiresTime: Time,
  uris: Type.Array(Type.String()),
})

export type UserRole = Static<typeof UserRole>
export type User = Static<typeof User>
export type UserAddition = Static<typeof UserAddition>
export type UserChange = Static<typeof UserChange>
export type ChangedUser = Static<typeof ChangedUser>
export type TestCredentials = Static<typeof TestCredentials>
