// The JSON Schema of the file of --config, for editors that complete and check it; it derives from the table of options.
import { OPTIONS, type Option } from './options.js'
import type { ValueSchema } from './value-type.js'

/** A JSON Schema (draft 2020-12). */
export interface ConfigFileSchema {
  readonly $schema: string
  readonly title: string
  readonly type: 'object'
  readonly additionalProperties: false
  readonly properties: Readonly<Record<string, PropertySchema>>
}

interface PropertySchema extends ValueSchema {
  readonly $ref?: string
  readonly description?: string
  readonly oneOf?: readonly (ValueSchema | { readonly type: 'array'; readonly items: ValueSchema })[]
}

/** Keys in kebab case are described; those in camel case refer to them. */
export function configFileSchema(): ConfigFileSchema {
  const properties: [string, PropertySchema][] = [['$schema', { type: 'string' }]]
  for (const option of OPTIONS) {
    if (option.key === 'config') continue
    properties.push([option.name, propertySchema(option)])
    if (option.key !== option.name) properties.push([option.key, { $ref: `#/properties/${option.name}` }])
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Options of turnd',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  }
}

function propertySchema({ help, defaultText, repeatable, type }: Option): PropertySchema {
  const description = defaultText === '' ? help : `${help} Default: ${defaultText}.`
  const { schema } = type
  return repeatable ? { description, oneOf: [schema, { type: 'array', items: schema }] } : { description, ...schema }
}
