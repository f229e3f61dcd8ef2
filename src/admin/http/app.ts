// The HTTP application of the admin plane: fastify with its plugins, what is checked before any route, and all routes. Opened by admin-server.ts.
import type { IncomingMessage, ServerResponse } from 'node:http'
import fastifyCookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, fastify, type RawServerDefault } from 'fastify'
import {
  ADMIN_BODY_BYTES_MAX,
  ADMIN_CHECK_MILLISECONDS,
  ADMIN_HEAD_BYTES_MAX,
  ADMIN_HEAD_MILLISECONDS_MAX,
  ADMIN_KEEP_ALIVE_MILLISECONDS_MAX,
  ADMIN_REQUEST_MILLISECONDS_MAX,
  ADMIN_SILENCE_MILLISECONDS_MAX,
} from '../../limits/admin.js'
import { USERNAME_LENGTH_MAX } from '../../limits/messages.js'
import type { Logger } from '../../log/logger.js'
import { type Administered, AdminProblem } from '../administered.js'
import { installCmsApi } from '../cms/routes.js'
import type { TurnServers } from '../cms/turn-servers.js'
import type { EventStreams } from '../event-streams.js'
import type { Metrics } from '../metrics.js'
import { installApi } from '../routes/api.js'
import { installProbes, PROBE_PATHS } from '../routes/probes.js'
import { installProblems, sendProblem } from './admin-problems.js'
import type { Authentication } from './authentication.js'
import { isLocalRequest } from './client-address.js'
import { checkHost } from './host-check.js'
import { inlineScriptHashes, servePage } from './page-files.js'
import { convertNumbers } from './query-numbers.js'
import { installRequestLimits } from './request-limits.js'
import { installSecurityHeaders } from './security-headers.js'

export type AdminApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Answered in the clear to this machine itself, whether there is a certificate or not: for programs that know none. */
const CLEAR_PATHS: readonly string[] = [...PROBE_PATHS, '/api/v1/credentials']

/** What routes are made of. */
export interface AdminParts {
  readonly administered: Administered
  readonly authentication: Authentication
  readonly events: EventStreams
  readonly metrics: Metrics
  readonly turnServers: TurnServers
  readonly logger: Logger
  readonly publicNames: () => readonly string[]
  readonly pageDirectory: string
  /** Is there a certificate, so that nothing is answered in the clear? */
  readonly isSecure: () => boolean
}

/** Ready to listen. */
export async function makeApp(parts: AdminParts): Promise<AdminApp> {
  const app = newApp()
  installProblems(app, parts.logger)
  await installSecurityHeaders(app, inlineScriptHashes(parts.pageDirectory))
  await installRequestLimits(app)
  installChecks(app, parts)
  await app.register(fastifyCookie)
  await installApi(app, parts)
  await installCmsApi(app, parts)
  await installProbes(app, parts)
  await servePage(app, parts.pageDirectory)
  await app.ready()
  return app
}

function newApp(): AdminApp {
  const app = fastify({
    // Lines are written by our own hook, each with its event.
    logger: false,
    bodyLimit: ADMIN_BODY_BYTES_MAX,
    keepAliveTimeout: ADMIN_KEEP_ALIVE_MILLISECONDS_MAX,
    connectionTimeout: ADMIN_SILENCE_MILLISECONDS_MAX,
    requestTimeout: ADMIN_REQUEST_MILLISECONDS_MAX,
    // Names may be percent-encoded.
    routerOptions: { maxParamLength: USERNAME_LENGTH_MAX * 3 },
    http: {
      maxHeaderSize: ADMIN_HEAD_BYTES_MAX,
      headersTimeout: ADMIN_HEAD_MILLISECONDS_MAX,
      connectionsCheckingInterval: ADMIN_CHECK_MILLISECONDS,
    },
    // What is asked is what it says: nothing is made to fit.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.addHook('preValidation', async (request) =>
    convertNumbers(request.query, request.routeOptions.schema?.querystring),
  )
  app.removeContentTypeParser('text/plain')
  return app
}

/** Before any route, of the page too. */
function installChecks(app: AdminApp, { isSecure, logger, publicNames }: AdminParts): void {
  app.addHook('onRequest', async (request, reply) => {
    const { headers, raw, url } = request
    checkHost(headers.host, publicNames())
    if (!isSecure() || request.protocol === 'https') return
    if (CLEAR_PATHS.includes(url.split('?', 1)[0]) && isLocalRequest(raw.socket, headers)) return
    if (headers.host === undefined) throw new AdminProblem(400, 'BAD_REQUEST', 'this port speaks TLS: ask by https://')
    return reply.redirect(`https://${headers.host}${url}`, 308)
  })
  app.addHook('onResponse', async ({ method, raw, url }, reply) => {
    if (!logger.isLevelEnabled('debug')) return
    const { statusCode } = reply
    const milliseconds = Math.round(reply.elapsedTime)
    // Without its query, where some put their token.
    const path = url.split('?', 1)[0]
    const line = {
      event: 'admin-request',
      method,
      url: path,
      statusCode,
      source: raw.socket.remoteAddress,
      milliseconds,
    }
    logger.debug(line, `${method} of the admin plane: ${statusCode}`)
  })
}
