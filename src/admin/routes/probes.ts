// For machines that watch: /healthz and /readyz for anybody, /metrics for who may read it.
import type { FastifyReply } from 'fastify'
import type { AdminApp, AdminParts } from '../http/app.js'
import { Type } from '../schema/type.js'

/** Answered in the clear to this machine itself, whether there is a certificate or not. */
export const PROBE_PATHS: readonly string[] = ['/healthz', '/readyz', '/metrics']

const tags = ['Probes']
const text = (description: string) => ({ description, content: { 'text/plain': { schema: Type.String() } } })

export async function installProbes(app: AdminApp, parts: AdminParts): Promise<void> {
  const { administered } = parts
  metricsRoute(app, parts)
  app.get(
    '/healthz',
    {
      schema: {
        ...{ tags, summary: 'Does it live', operationId: 'isAlive', security: [] },
        response: { 200: text('It does.') },
      },
    },
    async (_request, reply) => plain(reply, 200, 'ok'),
  )
  app.get(
    '/readyz',
    {
      schema: {
        ...{ tags, summary: 'Does it take new clients', operationId: 'isReady', security: [] },
        response: { 200: text('It does.'), 503: text('It does not: why.') },
      },
    },
    async (_request, reply) => {
      const { status } = administered.status()
      if (status === 'Active') return plain(reply, 200, 'ok')
      return plain(
        reply,
        503,
        status === 'Draining' ? 'draining: new allocations are refused' : 'not relaying yet, or no longer',
      )
    },
  )
}

function metricsRoute(app: AdminApp, { authentication, metrics }: AdminParts): void {
  app.get(
    '/metrics',
    {
      schema: {
        ...{ tags, summary: 'Metrics', operationId: 'getMetrics' },
        description: 'For Prometheus: from this machine, or with the token of --metrics-token or of a session.',
        response: { 200: text('In the text format of Prometheus.') },
      },
    },
    async (request, reply) => {
      authentication.requireForMetrics(request)
      return reply
        .header('cache-control', 'no-store')
        .type(metrics.contentType)
        .send(await metrics.read())
    },
  )
}

function plain(reply: FastifyReply, statusCode: number, line: string): FastifyReply {
  return reply.code(statusCode).header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(`${line}\n`)
}
