// What an operator does to the server as a whole: reload and drain.
import type { AdminApp, AdminParts } from '../http/app.js'
import { DrainRequest, ReloadRequest, ReloadResult } from '../schema/operations.js'
import { answers, emptyAnswers } from './answers.js'

const tags = ['Operating']

export function operationRoutes(app: AdminApp, { administered }: AdminParts): void {
  app.post(
    '/reload',
    {
      ...bodyMayBeMissing(),
      schema: {
        ...{ tags, summary: 'Read the configuration again', operationId: 'reload' },
        description: 'As SIGHUP does. With dryRun nothing is changed, and the answer says what would be.',
        body: ReloadRequest,
        response: answers(ReloadResult, 'What changed, what needs a restart, and what is wrong.'),
      },
    },
    async ({ body }) => administered.reload(body.dryRun ?? false),
  )
  app.post(
    '/drain',
    {
      ...bodyMayBeMissing(),
      schema: {
        ...{ tags, summary: 'Drain and end', operationId: 'drain' },
        description:
          'As SIGTERM does: no new allocations; the process ends when the last one has ended, or the time is over.',
        body: DrainRequest,
        response: emptyAnswers('It has begun.'),
      },
    },
    async ({ body }, reply) => {
      administered.drain(body.timeoutSeconds)
      return reply.code(204).send(null)
    },
  )
}

/** No body is an empty one. */
function bodyMayBeMissing() {
  return {
    preValidation: async (request: { body: unknown }) => {
      request.body ??= {}
    },
  }
}
