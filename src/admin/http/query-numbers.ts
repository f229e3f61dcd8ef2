// Numbers in a query are text: made numbers before the schema looks at them. Nothing else is converted.

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly type?: string } | undefined>>
}

/** @param query of a request, changed in place; what is no number stays as it is, for the schema to refuse */
export function convertNumbers(query: unknown, schema: unknown): void {
  const { properties = {} } = (schema ?? {}) as QuerySchema
  const values = query as Record<string, unknown>
  for (const [name, property] of Object.entries(properties)) {
    const value = values[name]
    const isNumeric = property?.type === 'integer' || property?.type === 'number'
    if (isNumeric && typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value)) values[name] = Number(value)
  }
}
