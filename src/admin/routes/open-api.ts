// The head of the OpenAPI document; the routes describe themselves.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'

const DESCRIPTION = [
  'What the status page of turnd is made of, for scripts. Log in with `POST /api/v1/session`, then send',
  '`Authorization: Bearer TOKEN`. Every error has a sentence that says what to do.',
].join(' ')

export function openApiOptions(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'turnd', description: DESCRIPTION, version: '1' },
      tags: [
        { name: 'Session', description: 'Logging in and out.' },
        { name: 'Status', description: 'How the server is, and why calls fail.' },
        { name: 'Clients', description: 'Who is connected.' },
        { name: 'Users', description: 'Who may be.' },
        { name: 'Credentials', description: 'TURN REST credentials, for a web service with a token of its own.' },
        { name: 'Captures', description: 'Recordings of packets.' },
        { name: 'Operating', description: 'Reload and drain.' },
        { name: 'CMS', description: 'TURN servers of a call bridge, as a CMS is told of them: XML and forms.' },
        { name: 'Probes', description: 'For machines that watch.' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'The token of POST /api/v1/session.' },
          credentialsToken: { type: 'http', scheme: 'bearer', description: 'A token of --credentials-token.' },
          basic: { type: 'http', scheme: 'basic', description: 'An admin user, for the CMS API alone.' },
          cookie: {
            ...{ type: 'apiKey', in: 'cookie', name: 'turnd_session_8445' },
            description:
              'Of browsers, with the port that they ask; over TLS it is called __Host-turnd_session_8445. Changes must be of the same origin.',
          },
        },
      },
      security: [{ bearer: [] }, { cookie: [] }],
    },
  }
}
