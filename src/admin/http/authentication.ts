// Who asks: logins, sessions by cookie or bearer token, and the metrics token. The only file that decides whether a request may have its answer.
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  LOGGED_NAME_LENGTH_MAX,
  LOGIN_LINES_OF_SOURCE_PER_SECOND_MAX,
  LOGIN_LINES_PER_SECOND_MAX,
  SESSION_LIFETIME_SECONDS,
} from '../../limits/admin.js'
import { escapeControls } from '../../log/escape.js'
import { LineLimiter } from '../../log/line-limiter.js'
import type { Logger } from '../../log/logger.js'
import { type Administered, AdminProblem } from '../administered.js'
import type { Login, NewSession, Session } from '../schema/operations.js'
import { BasicLogins, basicLoginOf } from './basic-logins.js'
import { BearerTokens } from './bearer-tokens.js'
import { isLocalRequest, isLoopback, sourceOf } from './client-address.js'
import { LoginFailures, type Refusal } from './login-failures.js'
import { LoginLinks } from './login-links.js'
import { checkSameOrigin } from './same-origin.js'
import { cookieName, cookieOptions, isSecure } from './session-cookie.js'
import { type LiveSession, Sessions } from './sessions.js'

/** The session of who came by a login link. */
const OPERATOR = 'operator'

const WAITS: Readonly<Record<Refusal, string>> = {
  source: 'too many logins from this address have failed: wait a minute, or use the link of turnd login on the server',
  all: 'too many logins have failed: wait a minute, or use the link of turnd login on the server',
  busy: 'too many logins are under way: try again in a moment',
}

export interface AuthenticationOptions {
  readonly administered: Pick<Administered, 'adminStamp' | 'verifyAdmin'>
  /** Who may read metrics from elsewhere; none if it is empty. */
  readonly metricsTokens: readonly string[]
  /** Who may have credentials issued; none if it is empty. */
  readonly credentialsTokens: readonly string[]
  readonly logger: Logger
  /** Monotonic, in milliseconds. */
  readonly now: () => number
}

export class Authentication {
  readonly #options: AuthenticationOptions
  readonly #sessions: Sessions
  readonly #links: LoginLinks
  readonly #basicLogins: BasicLogins
  readonly #failures: LoginFailures
  readonly #lines = new LineLimiter(LOGIN_LINES_PER_SECOND_MAX, LOGIN_LINES_OF_SOURCE_PER_SECOND_MAX)
  readonly metricsTokens: BearerTokens
  readonly credentialsTokens: BearerTokens

  constructor(options: AuthenticationOptions) {
    this.#options = options
    this.#sessions = new Sessions(options.now)
    this.#links = new LoginLinks(options.now)
    this.#basicLogins = new BasicLogins(options.now)
    this.#failures = new LoginFailures(options.now)
    this.metricsTokens = new BearerTokens(options.metricsTokens)
    this.credentialsTokens = new BearerTokens(options.credentialsTokens)
  }

  /** A one-time token. */
  makeLoginToken(): string {
    return this.#links.make()
  }

  /** Opens a session and sets its cookie. Throws AdminProblem. */
  async logIn(login: Login, request: FastifyRequest, reply: FastifyReply): Promise<NewSession> {
    checkSameOrigin(request.headers, isSecure(request), false)
    const isLink = 'loginToken' in login
    const { session, token } = isLink ? this.#byLink(login.loginToken, request) : await this.#byPassword(login, request)
    this.#logLogin(session.user, isLink ? 'link' : 'password', request)
    reply.setCookie(cookieName(request), token, { ...cookieOptions(request), maxAge: SESSION_LIFETIME_SECONDS })
    return { ...this.#described(session), token }
  }

  /** The session of a request. Throws AdminProblem if there is none, or another site may have made the request. */
  require(request: FastifyRequest): Session {
    const session = this.#find(request)
    if (session !== null) return this.#described(session)
    throw new AdminProblem(
      401,
      'UNAUTHORIZED',
      'log in first, with POST /api/v1/session: the session has ended, or there was none',
    )
  }

  /** Is the session with which this request came still one? */
  isStillIn(request: FastifyRequest): boolean {
    return this.#liveSession(this.#tokenOf(request)) !== null
  }

  logOut(request: FastifyRequest, reply: FastifyReply): void {
    this.#sessions.end(this.#tokenOf(request))
    reply.clearCookie(cookieName(request), cookieOptions(request))
  }

  /** Metrics: for who is on this machine, has the token of --metrics-token, or is logged in. Throws AdminProblem. */
  requireForMetrics(request: FastifyRequest): void {
    if (isLocalRequest(request.raw.socket, request.headers)) return
    const bearer = bearerOf(request)
    if (bearer !== null && this.metricsTokens.has(bearer)) return
    if (this.#find(request) !== null) return
    throw new AdminProblem(
      401,
      'UNAUTHORIZED',
      'metrics are for this machine, or with Authorization: Bearer and the token of --metrics-token',
    )
  }

  /** Credentials: for who has the token of --credentials-token, wherever they are, and however they are logged in. Throws AdminProblem. */
  requireForCredentials(request: FastifyRequest): void {
    if (this.credentialsTokens.isEmpty) {
      const message = 'no credentials are issued here: the server must be started with --credentials-token-file'
      throw new AdminProblem(404, 'NOT_FOUND', message)
    }
    const bearer = bearerOf(request)
    if (bearer !== null && this.credentialsTokens.has(bearer)) return
    const message = 'credentials are issued to who sends Authorization: Bearer with the token of --credentials-token'
    throw new AdminProblem(401, 'UNAUTHORIZED', message)
  }

  /** The admin user whom a request names by Basic (RFC 7617), for routes that no session opens. Throws AdminProblem. */
  async requireBasic(request: FastifyRequest): Promise<string> {
    const { headers, method, raw } = request
    // Browsers send what a user has typed once by themselves, too. What a person looks at by its address is no other site's.
    const isLook = (method === 'GET' || method === 'HEAD') && headers['sec-fetch-site'] === 'none'
    if (!isLook) checkSameOrigin(headers, isSecure(request), false)
    const login = basicLoginOf(headers.authorization)
    if (login === null) {
      const message = 'give the name and password of an admin user of turnd with the request, as Authorization: Basic'
      throw new AdminProblem(401, 'UNAUTHORIZED', message)
    }
    const id = this.#basicLogins.idOf(sourceOf(raw.socket.remoteAddress), login)
    if (this.#basicLogins.isKnown(id, this.#options.administered.adminStamp(login.user))) return login.user
    await this.#basicLogins.once(id, async () => {
      const stamp = await this.#verify(login, request)
      this.#logLogin(login.user, 'basic', request)
      return stamp
    })
    return login.user
  }

  async #byPassword(login: Extract<Login, { user: string }>, request: FastifyRequest) {
    return this.#sessions.open(login.user, await this.#verify(login, request))
  }

  /** The stamp of an admin user with this password. Throws AdminProblem. */
  async #verify({ password, user }: Extract<Login, { user: string }>, request: FastifyRequest): Promise<string> {
    const { administered } = this.#options
    const { remoteAddress } = request.raw.socket
    const outcome = await this.#failures.attempt(sourceOf(remoteAddress), isLoopback(remoteAddress), () =>
      administered.verifyAdmin(user, password),
    )
    if (outcome !== true) return this.#refuse(outcome, user, request, 'no admin user has this name and this password')
    return administered.adminStamp(user) ?? ''
  }

  /** Before all counts: its token cannot be guessed, and it is the remedy for whom they keep out. */
  #byLink(loginToken: string, request: FastifyRequest) {
    if (this.#links.use(loginToken)) return this.#sessions.open(OPERATOR, null)
    const sentence = 'this login link was used, or is too old: make another with turnd login'
    return this.#refuse(false, OPERATOR, request, sentence)
  }

  #logLogin(user: string, by: 'link' | 'password' | 'basic', { raw }: FastifyRequest): void {
    const shown = escapeControls(user)
    const source = raw.socket.remoteAddress
    this.#options.logger.info(
      { event: 'admin-login', user: shown, source, by },
      `${JSON.stringify(shown)} logged in from ${source} by ${by}`,
    )
  }

  #refuse(outcome: false | Refusal, user: string, request: FastifyRequest, sentence: string): never {
    const { remoteAddress = '' } = request.raw.socket
    const message = outcome === false ? sentence : WAITS[outcome]
    if (this.#lines.admits(sourceOf(remoteAddress), this.#options.now())) {
      const shown = escapeControls(user.slice(0, LOGGED_NAME_LENGTH_MAX))
      this.#options.logger.warn(
        { event: 'admin-login-refused', user: shown, source: remoteAddress },
        `login of ${JSON.stringify(shown)} from ${remoteAddress} refused: ${message}`,
      )
    }
    throw outcome === false
      ? new AdminProblem(401, 'UNAUTHORIZED', message)
      : new AdminProblem(429, 'TOO_MANY_REQUESTS', message)
  }

  #find(request: FastifyRequest): LiveSession | null {
    const session = this.#liveSession(this.#tokenOf(request))
    if (session === null) return null
    // Browsers send cookies by themselves, tokens never.
    const isChange = request.method !== 'GET' && request.method !== 'HEAD'
    if (isChange && bearerOf(request) === null) checkSameOrigin(request.headers, isSecure(request), true)
    return session
  }

  #liveSession(token: string): LiveSession | null {
    const session = token === '' ? null : this.#sessions.find(token)
    if (session === null || session.stamp === this.#stampOf(session)) return session
    this.#sessions.end(token)
    return null
  }

  #stampOf({ stamp, user }: LiveSession): string | null {
    return stamp === null ? null : this.#options.administered.adminStamp(user)
  }

  #tokenOf(request: FastifyRequest): string {
    return bearerOf(request) ?? request.cookies[cookieName(request)] ?? ''
  }

  #described({ expiresAt, user }: LiveSession): Session {
    return { user, expiresTime: new Date(Date.now() + expiresAt - this.#options.now()).toISOString() }
  }
}

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null
}
