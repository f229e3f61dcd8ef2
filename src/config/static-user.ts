// The values of --user: NAME:PASSWORD, or {name, password} or {name, key} in a file and in the library. The name ends at the first colon.
// Nothing here may put a password into an error: without a colon, the whole value may be one.
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { printable } from './printable.js'
import { hasControlCharacter, ValueProblem, type ValueSchema, type ValueType } from './value-type.js'

/** With a password, or with the key that is made of one. */
export type StaticUser =
  | { readonly name: string; readonly password: string }
  /** 32 lower-case hex digits: MD5(name ":" realm ":" password), which holds for the realm that it was made for. */
  | { readonly name: string; readonly key: string }

/** Parses NAME:PASSWORD; throws ValueProblem. */
export function parseStaticUser(text: string): StaticUser {
  const colon = text.indexOf(':')
  if (colon < 0) throw new ValueProblem('is not NAME:PASSWORD: there is no colon in it')
  return checkedUser(text.slice(0, colon), text.slice(colon + 1))
}

/** Checks {name, password} or {name, key}; throws ValueProblem. */
export function parseStaticUserObject(value: object): StaticUser {
  const { key, name, password, ...others } = value as { key?: unknown; name?: unknown; password?: unknown }
  if (typeof name !== 'string' || Object.keys(others).length > 0 || (password === undefined) === (key === undefined)) {
    throw new ValueProblem(NOT_A_USER)
  }
  if (name.includes(':'))
    throw new ValueProblem('has a colon in the name, which NAME:PASSWORD cannot express', printable(name))
  if (typeof password === 'string') return checkedUser(name, password)
  if (typeof key !== 'string') throw new ValueProblem(NOT_A_USER)
  checkName(name)
  if (!/^[0-9a-f]{32}$/i.test(key)) throw new ValueProblem('has a key that is not 32 hex digits', printable(name))
  return { name, key: key.toLowerCase() }
}

const NOT_A_USER = 'is not a user: give "NAME:PASSWORD" or {"name": …, "password": …}'

function checkedUser(name: string, password: string): StaticUser {
  checkName(name)
  const shown = printable(name)
  if (password === '') throw new ValueProblem('has an empty password: give NAME:PASSWORD', shown)
  if (hasControlCharacter(password)) throw new ValueProblem('has a control character in the password', shown)
  return { name, password }
}

function checkName(name: string): void {
  if (name === '') throw new ValueProblem('is not NAME:PASSWORD: the name before the colon is empty')
  const shown = printable(name)
  const length = Buffer.byteLength(name)
  if (length > USERNAME_LENGTH_MAX) {
    throw new ValueProblem(`has a name of ${length} bytes: USERNAME holds at most ${USERNAME_LENGTH_MAX}`, shown)
  }
  if (hasControlCharacter(name)) throw new ValueProblem('has a control character in the name', shown)
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
    {
      type: 'object',
      required: ['name', 'key'],
      properties: {
        name: { type: 'string', pattern: '^[^:]+$' },
        key: { type: 'string', pattern: '^[0-9a-fA-F]{32}$' },
      },
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
