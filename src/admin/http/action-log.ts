// A line of the log for each change that was made through the API: who, whence, what, and to whom. Written before the answer leaves, so that
// whoever knows that it was done can find it. Nothing here knows a route: what one is called stands in its description.
import type { FastifyRequest } from 'fastify'
import { escapeControls } from '../../log/escape.js'
import type { Logger } from '../../log/logger.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Changes nothing, but takes away what is worth a line. */
    readonly isLogged?: boolean
  }
}

interface Actor {
  readonly user: string
  readonly source: string | undefined
}

/** By whom a change is told: the first that is there. */
const TARGETS = ['name', 'id', 'client', 'relay']
/** Said elsewhere in the line. */
const TOLD = [...TARGETS, 'role']

export class ActionLog {
  readonly #logger: Logger
  /** The session may have ended, and the connection, when the answer is there. */
  readonly #actors = new WeakMap<FastifyRequest, Actor>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Who asks. */
  began(request: FastifyRequest, user: string): void {
    this.#actors.set(request, { user: escapeControls(user), source: request.raw.socket.remoteAddress })
  }

  /** The answer is ready. */
  answered(request: FastifyRequest, statusCode: number): void {
    const actor = this.#actors.get(request)
    if (actor === undefined || statusCode >= 300 || !isAction(request)) return
    const { schema, url } = request.routeOptions
    const given = { ...recordOf(request.body), ...recordOf(request.params) }
    const action = `${request.method} ${url}`
    const line = { event: 'admin-action', ...actor, action, target: targetOf(given), given: givenOf(given) }
    const words = [schema?.summary ?? action, line.target, line.given].filter((part) => part !== '').join(', ')
    this.#logger.info(line, `${JSON.stringify(actor.user)} from ${actor.source}: ${words}`)
  }
}

function isAction({ body, method, routeOptions }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return routeOptions.config.isLogged === true
  return recordOf(body).dryRun !== true
}

function targetOf(given: Readonly<Record<string, unknown>>): string {
  const key = TARGETS.find((name) => given[name] !== undefined)
  if (key === undefined) return ''
  return escapeControls(key === 'name' ? `${given.role}/${given.name}` : `${given[key]}`)
}

/** What else was asked for. Of texts, which may be passwords, only that there were some. */
function givenOf(given: Readonly<Record<string, unknown>>): string {
  const others = Object.entries(given).filter(([key]) => !TOLD.includes(key))
  return others.map(([key, value]) => (typeof value === 'string' ? key : `${key}=${value}`)).join(' ')
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (value instanceof URLSearchParams) return Object.fromEntries(value)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
