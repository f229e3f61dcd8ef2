// RFC 8155: discovery of TURN servers (`turnd dns`, `turnd resolve`).
import { must, open, type RequirementList, rfc, should } from './requirement.js'

const dns = 'commands/dns > turnd dns'
const discovery = 'client/discovery > discovery of the servers of a network'
const found = 'commands/resolve > turnd resolve, with a DNS server > finds them by service discovery'

export const rfc8155: RequirementList = rfc(8155, 'TURN server auto-discovery', [
  should(
    '3',
    'Our client goes through service resolution, DNS service discovery and anycast.',
    [discovery, found],
    'anycast addresses are named and not asked',
  ),
  should('4', 'The records that clients look up for a domain are printed: S-NAPTR for RELAY, SRV, addresses.', [
    `${dns} > prints a NAPTR record for each transport`,
    `${dns} > prints an SRV record for each listener`,
    `${dns} > prints the public addresses alone`,
  ]),
  must('4.2', 'Without NAPTR records of TURN the service resolution of a domain fails.', [discovery]),
  must('5', 'The DNS service discovery records are printed for _turn and _turns over UDP and TCP: PTR, SRV and TXT.', [
    `${dns} > prints service discovery, an instance for each listener`,
    found,
  ]),
  open(
    'MAY',
    '5.1',
    'A server announces itself by multicast DNS.',
    'not done: turnd stands at the edge of a network, where multicast ends',
  ),
  open('MAY', '4.1.1', 'A client asks DHCP for the domain.', 'not done: turnd resolve --discover is told the domain'),
  open(
    'MUST',
    '6',
    'An anycast address is answered with 300 and ALTERNATE-SERVER, the unicast address.',
    'turnd dns prints how: a second turnd there with --alternate and --alternate-above 0, whose 300 is RFC 8489 §10; no test has such a network',
  ),
])
