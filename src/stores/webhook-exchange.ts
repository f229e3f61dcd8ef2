// One request to the web service of --auth-webhook and its answer, within bounds of bytes. Whatever ends it first takes the connection with it: an error, the
// signal, an answer that is too long; a connection stays for the next request only after a whole answer.
import type { ClientRequest, IncomingMessage } from 'node:http'
import { WEBHOOK_ANSWER_BYTES_MAX } from '../limits/webhook.js'
import { failedStatusText, isAboutUser, type WebhookResponse } from './webhook-answer.js'
import { failureText, isCut, lateText, type WebhookStage } from './webhook-failure.js'

/** The connection had been used before, and the service has closed it meanwhile: that says nothing of the service. */
export class StaleConnection extends Error {}

export interface ExchangeTerms {
  readonly signal: AbortSignal
  readonly isSecure: boolean
  /** Of the token that was sent, for errors; null: none was. */
  readonly tokenFile: string | null
}

/** Rejects with an Error whose message is a sentence, or with StaleConnection. */
export function exchange(request: ClientRequest, terms: ExchangeTerms): Promise<WebhookResponse> {
  const { isSecure, signal } = terms
  return new Promise((resolve, reject) => {
    let stage: WebhookStage = 'connecting'
    const end = (error: Error) => {
      reject(error)
      request.destroy()
    }
    const expire = () => end(new Error(lateText(stage)))
    signal.addEventListener('abort', expire)
    onceConnected(request, isSecure, () => {
      stage = 'waiting'
    })
    request.on('error', (error) => {
      const isStale = request.reusedSocket && stage === 'waiting' && isCut(error)
      end(isStale ? new StaleConnection() : new Error(failureText(error, isSecure)))
    })
    request.once('response', (response) => {
      stage = 'reading'
      read(response, terms).then(resolve, end)
    })
    request.once('upgrade', (_response, socket) => socket.destroy())
    // The last event of every request. Some end without any other one.
    request.once('close', () => {
      signal.removeEventListener('abort', expire)
      if (stage !== 'reading') reject(new Error('the service has ended the connection without an answer'))
    })
  })
}

function onceConnected(request: ClientRequest, isSecure: boolean, action: () => void): void {
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', action)
    else action()
  })
}

async function read(response: IncomingMessage, { isSecure, tokenFile }: ExchangeTerms): Promise<WebhookResponse> {
  const { headers, statusCode: status = 0 } = response
  if (!isAboutUser(status)) throw new Error(failedStatusText(status, tokenFile, headers.location ?? ''))
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response) {
      length += chunk.length
      if (length > WEBHOOK_ANSWER_BYTES_MAX) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw new Error(failureText(error as Error, isSecure))
  }
  if (length > WEBHOOK_ANSWER_BYTES_MAX) {
    throw new Error(`the answer of the service is longer than ${WEBHOOK_ANSWER_BYTES_MAX} bytes`)
  }
  return { status, contentType: headers['content-type'] ?? '', body: Buffer.concat(chunks) }
}
