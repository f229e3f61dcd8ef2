// RFC 8155: discovery of TURN servers (`turnd dns`, `turnd resolve`).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc8155: RequirementList = rfc(8155, 'TURN server auto-discovery', [
  open(
    'SHOULD',
    '5',
    'The records that clients look up for a domain are printed: S-NAPTR for RELAY, SRV, addresses.',
    inWork,
  ),
  open('SHOULD', '6', 'The DNS Service Discovery records are printed: PTR, SRV and TXT.', inWork),
  open('SHOULD', '7', 'An anycast address is answered with 300 and ALTERNATE-SERVER, the unicast address.', inWork),
])
