// Users of both roles: /api/v1/users, and credentials for the test of the page.

import { ADMIN_NAME_LENGTH_MAX } from '../../limits/admin.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { Type } from '../schema/type.js'
import { ChangedUser, TestCredentials, User, UserAddition, UserChange, UserRole } from '../schema/users.js'
import { answers, emptyAnswers } from './answers.js'

const tags = ['Users']
const Named = Type.Object({ role: UserRole, name: Type.String({ minLength: 1, maxLength: ADMIN_NAME_LENGTH_MAX }) })

export function userRoutes(app: AdminApp, { administered }: AdminParts): void {
  app.get(
    '/users',
    {
      schema: {
        ...{ tags, summary: 'List users', operationId: 'getUsers' },
        response: answers(Type.Array(User), 'Without passwords or keys.'),
      },
    },
    async () => [...(await administered.users())],
  )
  app.post(
    '/users',
    {
      schema: {
        ...{ tags, summary: 'Add a user', operationId: 'addUser' },
        description: 'To the users file. Without a password one is made up, and shown in this answer alone.',
        body: UserAddition,
        response: answers(ChangedUser, 'The user.'),
      },
    },
    async ({ body }) => administered.addUser(body),
  )
  app.patch(
    '/users/:role/:name',
    {
      schema: {
        ...{ tags, summary: 'Change a user', operationId: 'changeUser' },
        description:
          'Disables or enables it, or gives it another password. Only users of the users file can be changed.',
        params: Named,
        body: UserChange,
        response: answers(ChangedUser, 'The user as it is now.'),
      },
    },
    async ({ body, params }) => administered.changeUser(params.name, params.role, body),
  )
  app.delete(
    '/users/:role/:name',
    {
      schema: {
        ...{ tags, summary: 'Remove a user', operationId: 'removeUser' },
        params: Named,
        response: emptyAnswers('It is gone from the users file.'),
      },
    },
    async ({ params }, reply) => {
      await administered.removeUser(params.name, params.role)
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/test-credentials',
    {
      schema: {
        ...{ tags, summary: 'Make credentials for a test', operationId: 'makeTestCredentials' },
        description: 'A user for some minutes, for a test of the relay from a browser.',
        response: answers(TestCredentials, 'Known to every worker.'),
      },
    },
    async () => administered.makeTestCredentials(),
  )
}
