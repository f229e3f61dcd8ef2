// RFC 5928: how a client finds the transport and the address of a TURN server (`turnd resolve`).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc5928: RequirementList = rfc(5928, 'TURN resolution', [
  open('MUST', '3', 'An IP address in the URI is used as it is, with the default port where there is none.', inWork),
  open('MUST', '3', 'A name with a port is looked up as A and AAAA, with the transports that the client has.', inWork),
  open('MUST', '3', 'A name with a transport and no port is looked up as SRV.', inWork),
  open('MUST', '3', 'A name with neither is looked up as S-NAPTR (RELAY), then SRV, then A and AAAA.', inWork),
  open('MUST', '3', 'SRV records are taken by priority and weight.', inWork),
])
