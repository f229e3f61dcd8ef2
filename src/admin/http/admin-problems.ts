// Every error of the API as one shape: what an AdminProblem, a TurndError, fastify or a bug becomes for the asker. Installed by app.ts.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TurndError } from '../../config/errors.js'
import type { Logger } from '../../log/logger.js'
import { AdminProblem } from '../administered.js'
import type { ApiError } from '../schema/operations.js'
import { validationSentence } from './validation-sentence.js'

/** Codes of what any route may answer, by status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'TOO_LARGE',
  414: 'TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  503: 'UNAVAILABLE',
}

export function notFound(what: string): AdminProblem {
  return new AdminProblem(404, 'NOT_FOUND', `there is no ${what}: it has ended, or never was`)
}

export function installProblems(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = JSON.stringify(request.url.split('?', 1)[0].slice(0, 200))
    const message = `there is nothing for ${request.method} ${path}: see GET /api/v1/openapi.json`
    return sendProblem(reply, new AdminProblem(404, CODES[404], message))
  })
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (problemOf(error).statusCode >= 500 && !(error instanceof AdminProblem)) logBug(logger, error, request)
    return sendProblem(reply, error)
  })
}

export function sendProblem(reply: FastifyReply, error: FastifyError | AdminProblem): FastifyReply {
  const problem = problemOf(error)
  // As text: the schemas of answers are about those that went well.
  return reply.code(problem.statusCode).type('application/json; charset=utf-8').send(JSON.stringify(problem))
}

function problemOf(error: FastifyError | AdminProblem | TurndError): ApiError {
  if (error instanceof AdminProblem) return { statusCode: error.statusCode, code: error.code, message: error.message }
  if (error instanceof TurndError) return { statusCode: 400, code: error.code, message: error.message }
  const { validation = undefined, statusCode = 500 } = error
  if (validation !== undefined) {
    return {
      statusCode: 400,
      code: CODES[400],
      message: validationSentence(validation, error.validationContext ?? 'body'),
    }
  }
  const known = CODES[statusCode]
  if (known !== undefined) return { statusCode, code: known, message: sentenceOf(error, statusCode) }
  if (statusCode >= 400 && statusCode < 500) return { statusCode, code: CODES[400], message: error.message }
  const message = 'something went wrong here that should not: the log of turnd has the details'
  return { statusCode: 500, code: 'INTERNAL', message }
}

function sentenceOf(error: Error, statusCode: number): string {
  if (statusCode === 413) return 'the body is too large for this API: nothing that it takes is so long'
  if (statusCode === 415) return 'the body must be JSON: send it with Content-Type: application/json'
  return error.message
}

/** A mistake of ours. */
export function logBug(logger: Logger, error: Error, request: FastifyRequest): void {
  const where = `${request.method} ${request.routeOptions.url ?? 'an unknown path'}`
  logger.error({ event: 'admin-error', err: error }, `the answer to ${where} failed: this is a mistake in turnd`)
}
