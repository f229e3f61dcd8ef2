// /api/v1/turnServers: the API by which a CMS is told of TURN servers, as its scripts know it: forms in, XML out, the name and password of an admin user
// with each request. Beside the routes of the JSON API and apart from them: no session opens this one.
import type { FastifyError, FastifyReply } from 'fastify'
import { ActionLog } from '../http/action-log.js'
import { logBug } from '../http/admin-problems.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { Type } from '../schema/type.js'
import { listDocument, objectDocument, statusDocument } from './documents.js'
import { CmsFailure, failureDocument, failureOf } from './failures.js'
import { COLLECTION, CONTENT_TYPE, FORM_TYPE, TYPES } from './names.js'
import { readPage } from './parameters.js'

const PREFIX = `/api/v1/${COLLECTION}`
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** What each path can be asked to do. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  '/': ['GET', 'HEAD', 'POST'],
  '/:id': ['GET', 'HEAD', 'PUT', 'DELETE'],
  '/:id/status': ['GET', 'HEAD'],
}

const described = { tags: ['CMS'], security: [{ basic: [] }] }
const Id = Type.Object({ id: Type.String() })
/** Of what there is to say in the OpenAPI document: parameters.ts reads them, and tells what is wrong as a CMS does. */
const Parameters = Type.Object(
  {
    serverAddress: Type.Optional(Type.String()),
    clientAddress: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    type: Type.Optional(Type.Enum(Object.keys(TYPES))),
    tcpPortNumberOverride: Type.Optional(Type.String()),
    numRegistrations: Type.Optional(Type.String()),
  },
  {
    examples: [{ serverAddress: '192.0.2.1', clientAddress: '203.0.113.1', username: 'turnuser', type: 'expressway' }],
  },
)
const Query = Type.Object({
  filter: Type.Optional(Type.String()),
  offset: Type.Optional(Type.String()),
  limit: Type.Optional(Type.String()),
})

export async function installCmsApi(app: AdminApp, parts: AdminParts): Promise<void> {
  await app.register(
    async (plain) => {
      const api = plain as AdminApp
      const actions = new ActionLog(parts.logger)
      installForms(api)
      installFailures(api, parts)
      api.setValidatorCompiler(() => () => true)
      api.addHook('onRequest', async (request, reply) => {
        reply.header('cache-control', 'no-store')
        actions.began(request, await parts.authentication.requireBasic(request))
      })
      api.addHook('onSend', async (request, reply) => actions.answered(request, reply.statusCode))
      collectionRoutes(api, parts)
      objectRoutes(api, parts)
      otherRoutes(api)
    },
    { prefix: PREFIX },
  )
}

function collectionRoutes(app: AdminApp, { turnServers }: AdminParts): void {
  app.get(
    '/',
    {
      schema: {
        ...{ ...described, summary: 'List TURN servers', operationId: 'getTurnServers' },
        description: 'Those of a call bridge; filter is a part of one of the addresses.',
        querystring: Query,
        response: answers('XML: <turnServers total="N"> with a <turnServer id="UUID"> for each.'),
      },
    },
    async ({ url }, reply) => {
      const page = readPage(new URLSearchParams(url.split('?').slice(1).join('?')))
      return xml(reply, listDocument(turnServers.list(), page))
    },
  )
  app.post(
    '/',
    {
      schema: {
        ...{ ...described, summary: 'Add a TURN server', operationId: 'addTurnServer', consumes: [FORM_TYPE] },
        description: 'serverAddress is needed; type is standard unless it is given.',
        body: Parameters,
        response: emptyAnswers('It is there: Location says where.'),
      },
    },
    async ({ body }, reply) => {
      const id = await turnServers.create(formOf(body))
      return empty(reply.header('location', `${PREFIX}/${id}`))
    },
  )
}

function objectRoutes(app: AdminApp, { administered, turnServers }: AdminParts): void {
  /** Of this very server its own count; of another one what this process holds there: nothing, between measurements. */
  const allocationCountOf = (address: string, port: number): number => {
    const { licence, listeners } = administered.status()
    return listeners.some((listener) => listener.host === address && listener.port === port) ? licence.used : 0
  }
  app.get(
    '/:id',
    {
      schema: {
        ...{ ...described, summary: 'One TURN server', operationId: 'getTurnServer', params: Id },
        response: answers('XML: all that was given of it but the password.'),
      },
    },
    async ({ params }, reply) => xml(reply, objectDocument(turnServers.find(params.id))),
  )
  app.put(
    '/:id',
    {
      schema: {
        ...{ ...described, summary: 'Change a TURN server', operationId: 'changeTurnServer', consumes: [FORM_TYPE] },
        description: 'What is not given stays as it is; an empty value unsets it.',
        ...{ params: Id, body: Parameters },
        response: emptyAnswers('It is changed.'),
      },
    },
    async ({ body, params }, reply) => {
      await turnServers.change(params.id, formOf(body))
      return empty(reply)
    },
  )
  app.delete(
    '/:id',
    {
      schema: {
        ...{ ...described, summary: 'Remove a TURN server', operationId: 'removeTurnServer', params: Id },
        response: emptyAnswers('It is gone.'),
      },
    },
    async ({ params }, reply) => {
      await turnServers.remove(params.id)
      return empty(reply)
    },
  )
  app.get(
    '/:id/status',
    {
      schema: {
        ...{ ...described, summary: 'Measure a TURN server', operationId: 'getTurnServerStatus', params: Id },
        description: 'From this machine, now, with a Binding and an allocation that is given back at once.',
        response: answers('XML: what was found at each of its addresses.'),
      },
    },
    async ({ params }, reply) => xml(reply, statusDocument(await turnServers.status(params.id), allocationCountOf)),
  )
}

/** What is no path of this API, and what no path of it does: 405 (RFC 9110 §15.5.6). */
function otherRoutes(app: AdminApp): void {
  app.route({
    ...{ method: METHODS, url: '/*', schema: { hide: true } },
    handler: async () => {
      throw new CmsFailure('unrecognizedObject')
    },
  })
  for (const [url, allowed] of Object.entries(PATHS)) {
    const method = METHODS.filter((each) => !allowed.includes(each))
    app.route({
      ...{ method, url, schema: { hide: true } },
      handler: async (_request, reply) => {
        reply.header('allow', allowed.join(', '))
        throw new CmsFailure('methodNotAllowed', `this can be asked for with ${allowed.join(', ')}`)
      },
    })
  }
}

function installForms(app: AdminApp): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(FORM_TYPE, { parseAs: 'string' }, (_request, body, done) => {
    done(null, new URLSearchParams(body as string))
  })
}

/** No body is an empty form. */
function formOf(body: unknown): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}

function answers(description: string) {
  const content = { [CONTENT_TYPE]: { schema: Type.String() } }
  return { 200: { description, content }, '4xx': { description: 'XML: <failureDetails>.', content } }
}

function emptyAnswers(description: string) {
  return { ...answers(description), 200: Type.Null({ description }) }
}

function installFailures(app: AdminApp, { logger }: AdminParts): void {
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const failure = failureOf(error)
    if (failure.statusCode === 500) logBug(logger, error, request)
    return sendFailure(reply, failure)
  })
}

function sendFailure(reply: FastifyReply, failure: CmsFailure): FastifyReply {
  if (failure.statusCode === 401) reply.header('www-authenticate', 'Basic realm="turnd", charset="UTF-8"')
  return xml(reply.code(failure.statusCode), failureDocument(failure))
}

/** 200 without a body, as a CMS answers what changes something. */
function empty(reply: FastifyReply): FastifyReply {
  return reply.send()
}

function xml(reply: FastifyReply, document: string): FastifyReply {
  return reply.type(CONTENT_TYPE).send(document)
}
