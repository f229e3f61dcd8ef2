// The admin server over a fake, and how tests ask it: real sockets, and whatever headers a test wants.
import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request as requestInTheClear } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { connect, type Socket } from 'node:net'
import pino from 'pino'
import { type AdminServer, type AdminServerOptions, openAdminServer } from '../../../src/admin/admin-server.js'
import { parseAdminListen } from '../../../src/config/listen-spec.js'
import type { Closing } from '../../support/closing.js'
import { withDeadline } from '../../support/deadline.js'
import { ADMIN, FakeAdministered } from './fake-administered.js'

/** Whoever has this port, in this process or in another. */
export type Asked = Pick<AdminServer, 'address'>

const ANSWER_MILLISECONDS_MAX = 60_000

export interface AdminStage {
  readonly server: AdminServer
  readonly fake: FakeAdministered
  readonly logLines: Readonly<Record<string, unknown>>[]
  readonly warnings: string[]
  /** The server's clock goes on by so much. */
  passTime(milliseconds: number): void
}

export interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Text as it is; anything else as JSON, with its Content-Type. */
  readonly body?: unknown
  /** PEM of the certificate to trust: over TLS then. */
  readonly ca?: string
  /** The address to come from, and to go to. */
  readonly localAddress?: string
  readonly host?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Of a body that is JSON. */
  json<Value = Record<string, unknown>>(): Value
}

export async function openStage(
  t: Closing,
  options: Partial<AdminServerOptions> & { readonly listenText?: string } = {},
): Promise<AdminStage> {
  const fake = (options.administered as FakeAdministered | undefined) ?? new FakeAdministered()
  const logLines: Readonly<Record<string, unknown>>[] = []
  const warnings: string[] = []
  let passed = 0
  const server = await openAdminServer({
    administered: fake,
    listen: parseAdminListen(options.listenText ?? '127.0.0.1:0')!,
    ...{ publicNames: ['turn.example.org'], certificate: null, metricsTokens: [] },
    logger: pino({ level: 'debug', base: null }, { write: (line) => void logLines.push(JSON.parse(line)) }),
    warn: (text) => void warnings.push(text),
    now: () => performance.now() + passed,
    ...options,
  })
  t.teardown(() => server.close())
  const passTime = (milliseconds: number) => {
    passed += milliseconds
  }
  return { server, fake, logLines, warnings, passTime }
}

export async function ask(server: Asked, question: Question = {}): Promise<Answer> {
  const response = await begin(server, question)
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await withDeadline(once(response, 'end'), ANSWER_MILLISECONDS_MAX, () => `the answer has no end: ${text.slice(-200)}`)
  return { status: response.statusCode!, headers: response.headers, text, json: () => JSON.parse(text) }
}

/** The head of the answer. */
export async function begin({ address }: Asked, question: Question): Promise<IncomingMessage> {
  const { body, ca, headers = {}, host = '127.0.0.1', localAddress, method = 'GET', path = '/' } = question
  const isJson = body !== undefined && typeof body !== 'string'
  const sent = { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers }
  const defined = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined))
  const options = { host, port: address.port, method, path, headers: defined, agent: false as const }
  const from = localAddress === undefined ? {} : { localAddress }
  const request =
    ca === undefined
      ? requestInTheClear({ ...options, ...from })
      : requestOverTls({ ...options, ...from, ca, servername: 'localhost' })
  request.end(isJson ? JSON.stringify(body) : body)
  const [response] = await withDeadline(
    once(request, 'response'),
    ANSWER_MILLISECONDS_MAX,
    () => `no answer to ${path}`,
  )
  return response as IncomingMessage
}

/** A token, by password. */
export async function logIn(server: Asked, question: Question = {}): Promise<string> {
  const answer = await ask(server, { method: 'POST', path: '/api/v1/session', body: ADMIN, ...question })
  if (answer.status !== 200) throw new Error(`the login was answered with ${answer.status} ${answer.text}`)
  return answer.json<{ token: string }>().token
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

export async function connectTo(t: Closing, { address }: AdminServer, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: address.port, localAddress })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** All that comes until the server closes. */
export async function readAll(socket: Socket, milliseconds = ANSWER_MILLISECONDS_MAX): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  await withDeadline(closed, milliseconds, () => `the connection stays open after ${text}`)
  return text
}
