// The cookie of a session in browsers: its name, and whom they send it to.
import type { FastifyRequest } from 'fastify'

const NAME = 'turnd_session'
/** Of this host alone, over TLS alone: browsers see to it (RFC 6265bis §4.1.3.2). */
const OVER_TLS = '__Host-'

export function isSecure({ protocol }: FastifyRequest): boolean {
  return protocol === 'https'
}

/**
 * With the port, which cookies do not know of: two servers of one host, or at the near ends of two SSH tunnels, would end each other's sessions.
 * It is the one that the browser used, since behind tunnels both may listen on the same. Browsers leave out the port that the scheme means.
 */
export function cookieName(request: FastifyRequest): string {
  const port = /:(\d{1,5})$/.exec(request.headers.host ?? '')?.[1] ?? (isSecure(request) ? '443' : '80')
  return `${isSecure(request) ? OVER_TLS : ''}${NAME}_${port}`
}

export function cookieOptions(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure(request) } as const
}
