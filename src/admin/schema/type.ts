// Builds the schemas of this folder: the part of TypeBox that they use, with TypeBox's types. What TypeBox makes is plain JSON Schema, and that is soon
// written; loading all of it, 709 modules, took a third of the time from the start of the server to its readiness.
import type { Type as TypeBox } from 'typebox'

export type { Static, TSchema } from 'typebox'

type Schema = Readonly<Record<string, unknown>>

/** Not enumerable, so that it is no part of the schema: the object that has this property does not require it. */
const IS_OPTIONAL = Symbol('optional')

const typed = (type: string, more: object = {}, options: object = {}): Schema => ({ type, ...more, ...options })

const builder = {
  String: (options?: object) => typed('string', {}, options),
  Number: (options?: object) => typed('number', {}, options),
  Integer: (options?: object) => typed('integer', {}, options),
  Boolean: (options?: object) => typed('boolean', {}, options),
  Null: (options?: object) => typed('null', {}, options),
  Array: (items: Schema, options?: object) => typed('array', { items }, options),
  Object(properties: Readonly<Record<string, Schema>>, options?: object): Schema {
    const required = Object.keys(properties).filter((name) => !(IS_OPTIONAL in properties[name]))
    return typed('object', { ...(required.length > 0 ? { required } : {}), properties }, options)
  },
  /** Of names that are not known before. */
  Record: (_key: Schema, value: Schema, options?: object) => typed('object', { additionalProperties: value }, options),
  Enum: (values: readonly string[], options?: object) => typed('string', { enum: values }, options),
  Union: (anyOf: readonly Schema[], options?: object): Schema => ({ anyOf, ...options }),
  Optional: (schema: Schema): Schema => Object.defineProperty({ ...schema }, IS_OPTIONAL, { value: true }),
  Immutable: (schema: Schema) => schema,
  Unsafe: (schema: Schema) => schema,
}

/** The names above, typed as TypeBox types them. */
export const Type = builder as unknown as Pick<typeof TypeBox, keyof typeof builder>
