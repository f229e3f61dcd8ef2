// RFC 8489 §10: 300 Try Alternate, ALTERNATE-SERVER and ALTERNATE-DOMAIN (--alternate). Rows of rfc8489.ts.
import { open, type Requirement } from './requirement.js'

const inWork = 'in work'

export const redirection: readonly Requirement[] = [
  open(
    'MAY',
    '10',
    'A request that begins something is answered with 300 and ALTERNATE-SERVER while the server drains.',
    inWork,
  ),
  open('MAY', '10', 'So it is while the server is full.', inWork),
  open('MUST', '10', 'ALTERNATE-SERVER is of the address family of the request’s source.', inWork),
  open('MUST', '10', 'ALTERNATE-DOMAIN is added for clients over TLS and DTLS.', inWork),
  open('MUST', '10', 'A 300 is authenticated as other answers are: nobody is redirected by a stranger.', inWork),
  open('MUST', '10', 'A client follows: Chromium and coturn’s client end up on the other server.', inWork),
  open('turnd', '10', 'Without --alternate there is no 300.', inWork),
]
