// Logging in and out: /api/v1/session.
import type { AdminApp, AdminParts } from '../http/app.js'
import { Login, NewSession, Session } from '../schema/operations.js'
import { answers, emptyAnswers, PUBLIC } from './answers.js'

const tags = ['Session']

export function sessionRoutes(app: AdminApp, { authentication }: AdminParts): void {
  app.post(
    '/session',
    {
      ...PUBLIC,
      schema: {
        ...{ tags, summary: 'Log in', operationId: 'logIn', security: [] },
        description:
          'With the name and password of an admin user, or with the token of a login link. The answer sets the session cookie, and has the same token for `Authorization: Bearer`. Ten failures a minute from one address, then 429.',
        body: Login,
        response: answers(NewSession, 'A session of 12 hours.'),
      },
    },
    (request, reply) => authentication.logIn(request.body, request, reply),
  )
  app.get(
    '/session',
    {
      schema: {
        ...{ tags, summary: 'Who is logged in', operationId: 'getSession' },
        response: answers(Session, 'The session of this request.'),
      },
    },
    async (request) => authentication.require(request),
  )
  app.delete(
    '/session',
    {
      schema: {
        ...{ tags, summary: 'Log out', operationId: 'logOut' },
        response: emptyAnswers('The session has ended.'),
      },
    },
    async (request, reply) => {
      authentication.logOut(request, reply)
      return reply.code(204).send(null)
    },
  )
}
