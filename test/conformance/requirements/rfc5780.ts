// RFC 5780: NAT behavior discovery (--nat-discovery).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc5780: RequirementList = rfc(5780, 'NAT behavior discovery', [
  open('MUST', '6', 'The server has two IP addresses and two ports, and serves Binding on all four.', inWork),
  open('MUST', '6.1', 'A Binding answer carries RESPONSE-ORIGIN and OTHER-ADDRESS.', inWork),
  open('MUST', '6.1', 'CHANGE-REQUEST has the answer come from the other address, the other port, or both.', inWork),
  open('MUST', '6.1', 'CHANGE-REQUEST over TCP or TLS, or to a server without an alternate address, gets 420.', inWork),
  open('MUST', '6.1', 'RESPONSE-PORT has the answer go to that port of the source address.', inWork),
  open('MUST', '6.1', 'RESPONSE-PORT over TCP, or with a port that may not be, gets an error.', inWork),
  open('MUST', '6.1', 'PADDING in a request has the answer padded to the MTU.', inWork),
  open('MUST', '6.1', 'PADDING together with RESPONSE-PORT gets 400.', inWork),
  open(
    'MUST',
    '7',
    'Attributes are encoded as §7 says: XOR-free addresses, two flag bits, a port in the upper half.',
    inWork,
  ),
  open('SHOULD', '6.2', 'The server limits what it sends to a source: it is no reflector and no amplifier.', inWork),
  open('MAY', '6.1', 'Without --nat-discovery nothing of it is answered or offered.', inWork),
])
