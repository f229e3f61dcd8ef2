// TURN REST credentials for a web service that hands them to its users: for who has a token of --credentials-token, and nobody else. Without
// such a token there is no such route.
import type { FastifyRequest } from 'fastify'
import { escapeControls } from '../../log/escape.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { Credentials, CredentialsQuery, CredentialsRequest } from '../schema/credentials.js'
import { answers, PUBLIC } from './answers.js'

const tags = ['Credentials']
const security = [{ credentialsToken: [] }]

export function credentialsRoutes(app: AdminApp, parts: AdminParts): void {
  const { authentication } = parts
  const onRequest = async (request: FastifyRequest) => authentication.requireForCredentials(request)
  app.post(
    '/credentials',
    {
      ...{ ...PUBLIC, onRequest },
      schema: {
        ...{ tags, security, summary: 'Issue credentials', operationId: 'issueCredentials' },
        description:
          'Timestamped credentials (TURN REST API), made with the first secret. With `Authorization: Bearer` and the token of --credentials-token; 404 without such an option.',
        body: CredentialsRequest,
        response: answers(Credentials, 'For one user, for `ttl` seconds.'),
      },
    },
    async (request) => issue(parts, request, request.body.user, request.body.ttl),
  )
  app.get(
    '/credentials',
    {
      ...{ ...PUBLIC, onRequest, exposeHeadRoute: false },
      schema: {
        ...{ tags, security, summary: 'Issue credentials, as the draft asks', operationId: 'getCredentials' },
        description: 'The same for services that ask as draft-uberti-behave-turn-rest-00 has it.',
        querystring: CredentialsQuery,
        response: answers(Credentials, 'For one user, for `ttl` seconds.'),
      },
    },
    async (request) => issue(parts, request, request.query.username, request.query.ttl),
  )
}

/** A line of the log says for whom; the password is in the answer alone. */
function issue({ administered, logger }: AdminParts, request: FastifyRequest, user = '', ttl: number | null = null) {
  const credentials = administered.issueCredentials(user, ttl)
  const source = request.raw.socket.remoteAddress
  const shown = escapeControls(user)
  logger.info(
    { event: 'credentials-issued', user: shown, ttl: credentials.ttl, source },
    `credentials for ${user === '' ? 'nobody in particular' : JSON.stringify(shown)} issued to ${source}, for ${credentials.ttl} s`,
  )
  return credentials
}
