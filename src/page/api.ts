// The JSON API as functions: every request of the page is made here. What fails is an ApiProblem with a sentence.
import type { ClientDetail, ClientPage, ClientQuery } from '../admin/schema/clients.js'
import type { Capture, CaptureRequest, Login, ReloadResult, Session } from '../admin/schema/operations.js'
import type { History, HistoryRange } from '../admin/schema/status.js'
import type { ChangedUser, TestCredentials, User, UserAddition, UserChange, UserRole } from '../admin/schema/users.js'
import type { WhyFilter, WhyReport } from '../admin/schema/why.js'
import { LOST, problemOf } from './problem.js'

const ROOT = '/api/v1'
/** An answer that takes longer counts as none. */
const ANSWER_MILLISECONDS_MAX = 20_000

type Query = Readonly<Record<string, string | number | boolean | undefined>>

export class Api {
  /** Called when an answer says that the session is over. */
  onSessionOver: () => void = () => {}

  session = () => this.#ask<Session>('GET', '/session')
  login = (login: Login) => this.#ask<Session>('POST', '/session', login)
  logout = () => this.#ask<void>('DELETE', '/session')

  history = (range: HistoryRange) => this.#ask<History>('GET', `/history${search({ range })}`)
  readonly eventsUrl = `${ROOT}/events`

  clients = (query: ClientQuery) => this.#ask<ClientPage>('GET', `/clients${search(query)}`)
  client = (id: string) => this.#ask<ClientDetail>('GET', `/clients/${encodeURIComponent(id)}`)
  kick = (id: string) => this.#ask<void>('DELETE', `/clients/${encodeURIComponent(id)}`)

  why = (query: WhyFilter) => this.#ask<WhyReport>('GET', `/refusals${search({ ...query })}`)

  users = () => this.#ask<User[]>('GET', '/users')
  addUser = (addition: UserAddition) => this.#ask<ChangedUser>('POST', '/users', addition)
  changeUser = (user: { name: string; role: UserRole }, change: UserChange) =>
    this.#ask<ChangedUser>('PATCH', userPath(user), change)
  removeUser = (user: { name: string; role: UserRole }) => this.#ask<void>('DELETE', userPath(user))
  testCredentials = () => this.#ask<TestCredentials>('POST', '/test-credentials')

  captures = () => this.#ask<Capture[]>('GET', '/captures')
  startCapture = (request: CaptureRequest) => this.#ask<Capture>('POST', '/captures', request)
  stopCapture = (id: string) => this.#ask<void>('POST', `/captures/${encodeURIComponent(id)}/stop`)
  removeCapture = (id: string) => this.#ask<void>('DELETE', `/captures/${encodeURIComponent(id)}`)
  captureUrl = (id: string) => `${ROOT}/captures/${encodeURIComponent(id)}/file`

  reload = (dryRun: boolean) => this.#ask<ReloadResult>('POST', '/reload', { dryRun })
  drain = (timeoutSeconds: number) => this.#ask<void>('POST', '/drain', { timeoutSeconds })

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, body)
    // A wrong password is no session that ends.
    const isLogin = path === '/session' && method !== 'DELETE'
    if (response.status === 401 && !isLogin) this.onSessionOver()
    if (!response.ok) throw await problemOf(response)
    const text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async #fetch(method: string, path: string, body: object | undefined): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    try {
      return await fetch(`${ROOT}${path}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX),
      })
    } catch {
      throw LOST
    }
  }
}

function userPath({ name, role }: { name: string; role: UserRole }): string {
  return `/users/${role}/${encodeURIComponent(name)}`
}

function search(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`
}
