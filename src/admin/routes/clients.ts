// Who is connected: /api/v1/clients.

import { ADMIN_ID_LENGTH_MAX } from '../../limits/admin.js'
import { ClientPages } from '../client-pages.js'
import { notFound } from '../http/admin-problems.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { ClientDetail, ClientPage, ClientQuery } from '../schema/clients.js'
import { Type } from '../schema/type.js'
import { answers, emptyAnswers } from './answers.js'

const tags = ['Clients']
const Id = Type.Object({ id: Type.String({ maxLength: ADMIN_ID_LENGTH_MAX }) })

export function clientRoutes(app: AdminApp, { administered }: AdminParts): void {
  const list = new ClientPages()
  app.get(
    '/clients',
    {
      schema: {
        ...{ tags, summary: 'List clients', operationId: 'getClients' },
        description: 'Of a moment at most two seconds ago; searched, sorted and cut by the server.',
        querystring: ClientQuery,
        response: answers(ClientPage, 'A part of the list.'),
      },
    },
    async ({ query }) => list.page(await administered.clients(), query),
  )
  app.get(
    '/clients/:id',
    {
      schema: {
        ...{ tags, summary: 'One client', operationId: 'getClient' },
        params: Id,
        response: answers(ClientDetail, 'With its relays, permissions and channels.'),
      },
    },
    async ({ params }) => {
      const client = await administered.client(params.id)
      if (client === null) throw notFound('such client')
      return client
    },
  )
  app.delete(
    '/clients/:id',
    {
      schema: {
        ...{ tags, summary: 'Disconnect a client', operationId: 'kickClient' },
        description: 'Ends its allocation. It may allocate again: disable its user to keep it away.',
        params: Id,
        response: emptyAnswers('Its allocation has ended.'),
      },
    },
    async ({ params }, reply) => {
      if (!(await administered.kick(params.id))) throw notFound('such client')
      return reply.code(204).send(null)
    },
  )
}
