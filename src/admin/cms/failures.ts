// What went wrong with a request to the CMS API, as <failureDetails>: what routes throw, and what any other error becomes.
import type { FastifyError } from 'fastify'
import type { AdminProblem } from '../administered.js'
import { FAILURES, type FailureName, type ParameterErrorName } from './names.js'
import { element, type XmlElement, xmlDocument } from './xml.js'

/** The names of what is wrong with a request by itself, by the status that fastify and our own checks give it. */
const NAMES_OF_STATUS = new Map<number, FailureName>([
  [400, 'badRequest'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'unrecognizedObject'],
  [413, 'tooLarge'],
  [415, 'unsupportedMediaType'],
  [421, 'unknownHost'],
  [429, 'tooManyRequests'],
])

const SENTENCES: Readonly<Partial<Record<FailureName, string>>> = {
  forbidden: 'a browser sends this for another site: ask from a program, or from a page of this server',
  tooLarge: 'the body is too large: nothing that a TURN server is described by is so long',
  unsupportedMediaType: 'the body must be a form: send it with Content-Type: application/x-www-form-urlencoded',
  internalError: 'something went wrong here that should not: the log of turnd has the details',
}

export class CmsFailure extends Error {
  readonly statusCode: number
  readonly details: readonly XmlElement[]

  /** @param sentence for failures that a CMS does not know */
  constructor(name: FailureName, sentence = '', details = [element(name, sentence)]) {
    super(sentence === '' ? name : sentence)
    this.name = 'CmsFailure'
    this.statusCode = FAILURES[name]
    this.details = details
  }
}

/** Of a parameter, which anybody may have named. */
export interface ParameterProblem {
  readonly parameter: string
  readonly error: ParameterErrorName
}

export function parameterFailure(problems: readonly ParameterProblem[]): CmsFailure {
  const details = problems.map(({ error, parameter }) => element('parameterError', '', { parameter, error }))
  return new CmsFailure('parameterError', '', details)
}

export function failureDocument({ details }: CmsFailure): string {
  return xmlDocument(element('failureDetails', details))
}

/** Any error of a request. A mistake of ours says nothing of itself. */
export function failureOf(error: FastifyError | AdminProblem | CmsFailure): CmsFailure {
  if (error instanceof CmsFailure) return error
  const { message, statusCode = 500 } = error
  const isClients = statusCode >= 400 && statusCode < 500
  const name = NAMES_OF_STATUS.get(statusCode) ?? (isClients ? 'badRequest' : 'internalError')
  return new CmsFailure(name, SENTENCES[name] ?? message)
}
