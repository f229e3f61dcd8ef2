// Why a request to the web service of --auth-webhook failed, in a sentence: codes of the system, of TLS and of the HTTP parser.
import { WEBHOOK_HEAD_BYTES_MAX } from '../limits/webhook.js'
import { escapeControls } from '../log/escape.js'

/** How far a request has come. */
export type WebhookStage = 'connecting' | 'waiting' | 'reading'

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the address of the service (connection refused)',
  ENOTFOUND: 'the host of the service has no address (ENOTFOUND)',
  EAI_AGAIN: 'the DNS of this machine does not answer for the host of the service (EAI_AGAIN)',
  EHOSTUNREACH: 'there is no way to the service (EHOSTUNREACH)',
  ENETUNREACH: 'there is no way to the service (ENETUNREACH)',
  ETIMEDOUT: 'the service does not answer to a connection (ETIMEDOUT)',
  EMFILE: 'the limit of open files is reached, and no connection to the service can be opened',
  ECONNRESET: 'the service has cut the connection before the end of its answer',
  EPIPE: 'the service has cut the connection before the end of its answer',
  HPE_HEADER_OVERFLOW: `the head of the answer is longer than ${WEBHOOK_HEAD_BYTES_MAX} bytes`,
}

const LATE: Readonly<Record<WebhookStage, string>> = {
  connecting: 'no connection to the service in time',
  waiting: 'no answer of the service in time',
  reading: 'the answer of the service had no end in time',
}

export function lateText(stage: WebhookStage): string {
  return LATE[stage]
}

/** Is it one that a connection gives which the other side has closed while nobody used it? */
export function isCut({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE'
}

export function failureText(error: NodeJS.ErrnoException, isSecure: boolean): string {
  const { code = '', message } = error
  const known = SENTENCES[code]
  if (known !== undefined) return known
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate of the service is for another name (${escapeControls(message)})`
  }
  if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    const why = escapeControls(message)
    return `the certificate of the service is not trusted (${why}): --auth-webhook-ca names the file of the authority that has signed it`
  }
  if (code.startsWith('HPE_')) return `what the service sends is not HTTP (${code})`
  if (isSecure && (code === 'EPROTO' || code.startsWith('ERR_SSL_'))) {
    return `there is no TLS with the service (${code}): is it http://?`
  }
  return `the request to the service failed: ${code === '' ? escapeControls(message) : code}`
}
