// Against DNS rebinding: a page of somebody else, whose name was made to point at this server, has the browser send that name. Names that this
// server is not known by are refused; addresses cannot be rebound.

import { hostnameOf } from '../../net/stream/http-host.js'
import { hostAddress } from '../../stun/address.js'
import { AdminProblem } from '../administered.js'

/** Throws an AdminProblem unless this server may be called so. No Host at all is no browser's. */
export function checkHost(host: string | undefined, publicNames: readonly string[]): void {
  if (host === undefined || host === '') return
  const name = hostnameOf(host)
  if (name === 'localhost' || hostAddress(name) !== null || publicNames.includes(name)) return
  const shown = JSON.stringify(name.slice(0, 100))
  throw new AdminProblem(
    421,
    'UNKNOWN_HOST',
    `this server is not known as ${shown}: use its IP address or localhost, or start it with --public-name and that name`,
  )
}
