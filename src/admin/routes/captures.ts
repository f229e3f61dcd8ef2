// Recordings of a client's packets: /api/v1/captures.

import { ADMIN_ID_LENGTH_MAX } from '../../limits/admin.js'
import { CAPTURE_DOWNLOAD_COUNT_MAX } from '../../limits/captures.js'
import { AdminProblem } from '../administered.js'
import { notFound } from '../http/admin-problems.js'
import type { AdminApp, AdminParts } from '../http/app.js'
import { Capture, CaptureRequest } from '../schema/operations.js'
import { Type } from '../schema/type.js'
import { answers, emptyAnswers, errors } from './answers.js'

const tags = ['Captures']
const Id = Type.Object({ id: Type.String({ maxLength: ADMIN_ID_LENGTH_MAX, pattern: '^[A-Za-z0-9_-]+$' }) })
const File = Type.Unsafe<Uint8Array>({ type: 'string', format: 'binary' })
const FILE_TYPE = 'application/x-pcapng'

export function captureRoutes(app: AdminApp, { administered }: AdminParts): void {
  let downloadCount = 0
  app.get(
    '/captures',
    {
      schema: {
        ...{ tags, summary: 'List captures', operationId: 'getCaptures' },
        response: answers(Type.Array(Capture), 'Those that run, and those that are kept.'),
      },
    },
    async () => [...administered.captures()],
  )
  app.post(
    '/captures',
    {
      schema: {
        ...{ tags, summary: 'Record packets', operationId: 'startCapture' },
        description: 'Of a client, both sides, or of one relay. It ends by itself after the time or the size.',
        body: CaptureRequest,
        response: answers(Capture, 'It runs.'),
      },
    },
    async ({ body }) => administered.startCapture(body),
  )
  app.post(
    '/captures/:id/stop',
    {
      schema: {
        ...{ tags, summary: 'Stop a capture', operationId: 'stopCapture' },
        params: Id,
        response: emptyAnswers('It has ended; what was recorded stays.'),
      },
    },
    async ({ params }, reply) => {
      if (!(await administered.stopCapture(params.id))) throw notFound('such capture')
      return reply.code(204).send(null)
    },
  )
  app.delete(
    '/captures/:id',
    {
      schema: {
        ...{ tags, summary: 'Remove a capture', operationId: 'removeCapture' },
        params: Id,
        response: emptyAnswers('It is gone, with what was recorded.'),
      },
    },
    async ({ params }, reply) => {
      if (!(await administered.removeCapture(params.id))) throw notFound('such capture')
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/captures/:id/file',
    {
      exposeHeadRoute: false,
      config: { isLogged: true },
      schema: {
        ...{ tags, summary: 'Download a capture', operationId: 'getCaptureFile' },
        description: `pcapng, for Wireshark. While it runs: what there is so far. ${CAPTURE_DOWNLOAD_COUNT_MAX} downloads at a time, then 429.`,
        params: Id,
        response: { 200: { description: 'The file.', content: { [FILE_TYPE]: { schema: File } } }, ...errors() },
      },
    },
    async ({ params }, reply) => {
      if (downloadCount >= CAPTURE_DOWNLOAD_COUNT_MAX) throw tooManyDownloads()
      const file = administered.captureFile(params.id)
      if (file === null) throw notFound('such capture')
      // Until it was read, or its reader has gone: so long it is held.
      downloadCount++
      reply.raw.once('close', () => downloadCount--)
      reply.header('content-disposition', `attachment; filename="turnd-${params.id}.pcapng"`)
      return reply.type(FILE_TYPE).send(Buffer.from(file.buffer, file.byteOffset, file.byteLength))
    },
  )
}

function tooManyDownloads(): AdminProblem {
  const text = `${CAPTURE_DOWNLOAD_COUNT_MAX} captures are being downloaded, and no more can: try again when one of them is done`
  return new AdminProblem(429, 'TOO_MANY_REQUESTS', text)
}
