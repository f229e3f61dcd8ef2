// What a schema says is wrong with a part of a request, as a person would say it: never the value, which may be a password.
import type { FastifySchemaValidationError } from 'fastify'

const NAME_LENGTH_MAX = 40

/** @param part body, querystring, params or headers */
export function validationSentence(errors: readonly FastifySchemaValidationError[], part: string): string {
  const [error] = errors
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  const place = `${part === 'querystring' ? 'query' : part}${path === '' ? '' : `: ${path}`}`
  return `${place} ${problemOf(error)}: see GET /api/v1/openapi.json`
}

function problemOf({ keyword, message = 'is not valid', params }: FastifySchemaValidationError): string {
  switch (keyword) {
    case 'additionalProperties':
      return `must not have ${shown([params.additionalProperty])}`
    case 'required':
      return `must have ${shown([params.missingProperty])}`
    case 'enum':
      return `must be one of ${shown(params.allowedValues)}`
    default:
      return message
  }
}

function shown(names: unknown): string {
  const list = Array.isArray(names) ? names : []
  return list.map((name) => JSON.stringify(`${name}`.slice(0, NAME_LENGTH_MAX))).join(', ')
}
