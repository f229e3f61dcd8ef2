// All routes of /api/v1, and what holds for each: a session, no caching, a line in the log for a change, a description in the OpenAPI document.
import fastifySwagger from '@fastify/swagger'
import { ActionLog } from '../http/action-log.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { captureRoutes } from './captures.js'
import { clientRoutes } from './clients.js'
import { credentialsRoutes } from './credentials.js'
import { openApiOptions } from './open-api.js'
import { operationRoutes } from './operations.js'
import { sessionRoutes } from './session.js'
import { statusRoutes } from './status.js'
import { userRoutes } from './users.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no session. */
    readonly isPublic?: boolean
  }
}

const ROUTES = [
  sessionRoutes,
  statusRoutes,
  clientRoutes,
  userRoutes,
  credentialsRoutes,
  captureRoutes,
  operationRoutes,
]

export async function installApi(app: AdminApp, parts: AdminParts): Promise<void> {
  await app.register(fastifySwagger, openApiOptions())
  await app.register(
    async (plain) => {
      const api = plain as AdminApp
      const actions = new ActionLog(parts.logger)
      acceptEmptyBodies(api)
      api.addHook('onRequest', async (request, reply) => {
        reply.header('cache-control', 'no-store')
        if (request.routeOptions.config.isPublic === true) return
        actions.began(request, parts.authentication.require(request).user)
      })
      api.addHook('onSend', async (request, reply) => actions.answered(request, reply.statusCode))
      for (const routes of ROUTES) routes(api, parts)
      api.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
    },
    { prefix: '/api/v1' },
  )
}

/** Clients that send Content-Type with everything send it with nothing, too. */
function acceptEmptyBodies(api: AdminApp): void {
  const parse = api.getDefaultJsonParser('error', 'error')
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body as string, done)
  })
}
