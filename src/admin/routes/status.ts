// How the server is: status, listeners, the history behind the charts, the stream of events, and why calls failed.

import type { AdminApp, AdminParts } from '../http/app.js'
import { History, HistoryRange, Listener, Status } from '../schema/status.js'
import { Type } from '../schema/type.js'
import { WhyFilter, WhyReport } from '../schema/why.js'
import { answers, errors } from './answers.js'

const tags = ['Status']

export function statusRoutes(app: AdminApp, { administered, authentication, events }: AdminParts): void {
  app.get(
    '/status',
    { schema: { ...{ tags, summary: 'Status', operationId: 'getStatus' }, response: answers(Status, 'As of now.') } },
    async () => administered.status(),
  )
  app.get(
    '/listeners',
    {
      schema: {
        ...{ tags, summary: 'Listeners', operationId: 'getListeners' },
        response: answers(Type.Array(Listener), 'Where clients reach this server.'),
      },
    },
    async () => administered.status().listeners,
  )
  app.get(
    '/history',
    {
      schema: {
        ...{ tags, summary: 'Samples of the past', operationId: 'getHistory' },
        description: '`recent`: ten minutes by seconds; `day`: a day by minutes.',
        querystring: Type.Object({ range: Type.Optional(HistoryRange) }, { additionalProperties: false }),
        response: answers(History, 'By column, oldest first.'),
      },
    },
    async ({ query }) => administered.history(query.range ?? 'recent'),
  )
  app.get(
    '/refusals',
    {
      schema: {
        ...{ tags, summary: 'Why calls fail', operationId: 'getRefusals' },
        description: 'What `turnd why` shows.',
        querystring: WhyFilter,
        response: answers(WhyReport, 'What matches the filter.'),
      },
    },
    async ({ query }) => administered.why(query),
  )
  app.get(
    '/events',
    {
      exposeHeadRoute: false,
      schema: {
        ...{ tags, summary: 'Follow the server', operationId: 'getEvents' },
        description:
          'Server-sent events, each second: `sample` (a Sample, as in the history) and `status` (a Status). A reader who does not keep up is disconnected, and may come back.',
        response: {
          200: { description: 'A stream without end.', content: { 'text/event-stream': { schema: Type.String() } } },
          ...errors(),
        },
      },
    },
    async (request, reply) => {
      events.checkRoom()
      reply.hijack()
      events.open(reply.raw, reply.getHeaders(), () => authentication.isStillIn(request))
    },
  )
}
