// The values of --user: NAME:PASSWORD, or {name, password} in a file and in the library. The name ends at the first colon.
// Nothing here may put a password into an error: without a colon, the whole value may be one.
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { printable } from './printable.js'
import { hasControlCharacter, ValueProblem, type ValueSchema, type ValueType } from './value-type.js'

export interface StaticUser {
  readonly name: string
  readonly password: string
}

/** Parses NAME:PASSWORD; throws ValueProblem. */
export function parseStaticUser(text: string): StaticUser {
  const colon = text.indexOf(':')
  if (colon < 0) throw new ValueProblem('is not NAME:PASSWORD: there is no colon in it')
  return checkedUser(text.slice(0, colon), text.slice(colon + 1))
}

/** Checks {name, password}; throws ValueProblem. */
export function parseStaticUserObject(value: object): StaticUser {
  const { name, password, ...others } = value as { name?: unknown; password?: unknown }
  if (typeof name !== 'string' || typeof password !== 'string' || Object.keys(others).length > 0) {
    throw new ValueProblem('is not a user: give "NAME:PASSWORD" or {"name": …, "password": …}')
  }
  if (name.includes(':'))
    throw new ValueProblem('has a colon in the name, which NAME:PASSWORD cannot express', printable(name))
  return checkedUser(name, password)
}

function checkedUser(name: string, password: string): StaticUser {
  if (name === '') throw new ValueProblem('is not NAME:PASSWORD: the name before the colon is empty')
  const shown = printable(name)
  if (password === '') throw new ValueProblem('has an empty password: give NAME:PASSWORD', shown)
  const length = Buffer.byteLength(name)
  if (length > USERNAME_LENGTH_MAX) {
    throw new ValueProblem(`has a name of ${length} bytes: USERNAME holds at most ${USERNAME_LENGTH_MAX}`, shown)
  }
  if (hasControlCharacter(name)) throw new ValueProblem('has a control character in the name', shown)
  if (hasControlCharacter(password)) throw new ValueProblem('has a control character in the password', shown)
  return { name, password }
}

const schema: ValueSchema = {
  anyOf: [
    { type: 'string', pattern: '^[^:]+:.+$' },
    {
      type: 'object',
      required: ['name', 'password'],
      properties: { name: { type: 'string', pattern: '^[^:]+$' }, password: { type: 'string', minLength: 1 } },
      additionalProperties: false,
    },
  ],
}

export const staticUser: ValueType<StaticUser> = {
  kind: 'text',
  placeholder: 'NAME:PASSWORD',
  expected: 'NAME:PASSWORD',
  schema,
  parse: parseStaticUser,
  parseObject: parseStaticUserObject,
}
