// How many requests one source may make: before anything else is looked at, so that what is refused counts, too.
import fastifyRateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  ADMIN_REQUESTS_PER_MINUTE_MAX,
  ADMIN_SOURCE_COUNT_MAX,
  METRICS_REQUESTS_PER_MINUTE_MAX,
} from '../../limits/admin.js'
import { AdminProblem } from '../administered.js'
import { sourceOf } from './client-address.js'

/** A supervisor that gets no answer ends the server, and all calls. */
const UNLIMITED: readonly string[] = ['/healthz', '/readyz']
/** In a count of its own: whoever asks for pages too often leaves the server seen. */
const METRICS = '/metrics'
/** Only who has too many is told, by Retry-After. */
const NO_COUNTS = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false }

export async function installRequestLimits(app: FastifyInstance): Promise<void> {
  await app.register(fastifyRateLimit, {
    global: false,
    addHeaders: NO_COUNTS,
    addHeadersOnExceeding: NO_COUNTS,
  })
  const limit = app.rateLimit({
    timeWindow: 60_000,
    cache: ADMIN_SOURCE_COUNT_MAX,
    max: (request) => (pathOf(request) === METRICS ? METRICS_REQUESTS_PER_MINUTE_MAX : ADMIN_REQUESTS_PER_MINUTE_MAX),
    allowList: (request) => UNLIMITED.includes(pathOf(request)),
    keyGenerator: (request) => `${pathOf(request) === METRICS} ${sourceOf(request.raw.socket.remoteAddress)}`,
    errorResponseBuilder: () =>
      new AdminProblem(429, 'TOO_MANY_REQUESTS', 'too many requests come from this address: wait a minute'),
  })
  app.addHook('onRequest', limit)
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0]
}
