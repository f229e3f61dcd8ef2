// What routes of the API have in common in their description: errors, tags, who may ask.

import { ApiError } from '../schema/operations.js'
import { type TSchema, Type } from '../schema/type.js'

/** For a route that needs no session. */
export const PUBLIC = { config: { isPublic: true } } as const

/** The answers of a route, by status: what it is for, and every error. */
export function answers<Answer extends TSchema>(answer: Answer, description: string) {
  return { 200: { description, content: jsonOf(answer) }, ...errors() }
}

/** The same for what needs no words. */
export function emptyAnswers(description: string) {
  return { 204: Type.Null({ description }), ...errors() }
}

/** What every route may answer when something is wrong. */
export function errors() {
  return { '4xx': { description: 'A sentence that says what to do.', content: jsonOf(ApiError) } }
}

function jsonOf<Schema extends TSchema>(schema: Schema) {
  return { 'application/json': { schema } }
}
