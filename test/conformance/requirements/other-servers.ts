// What known servers get wrong, and turnd must not.
import { ours, type RequirementList } from './requirement.js'

export const otherServers: RequirementList = {
  name: 'other-servers',
  title: 'What known servers get wrong',
  url: null,
  note: 'Faults that were found in other open servers. Each is a test here.',
  rows: [
    ours('TypeScript', 'A packet does not scan the allocations.', [
      'turn/other-servers > does not scan the allocations for each packet',
    ]),
    ours('TypeScript', 'Unauthenticated requests leave nothing behind: no nonce is kept for them.', [
      'turn/other-servers > keeps nothing of unauthenticated requests',
    ]),
    ours('TypeScript', 'Channels up to 0x7FFF are not accepted.', [
      'turn/other-servers > does not accept channels up to 0x7FFF',
    ]),
    ours('Rust', 'A Refresh above 3600 s is capped, not failed.', [
      'turn/other-servers > caps a Refresh above 3600 s instead of failing it',
      'conformance/refresh > Refresh > grants 600 s for anything below it but 0, and caps at 3600 s instead of failing',
    ]),
    ours('Rust', 'Peers may be anywhere, not only at the server’s own addresses.', [
      'turn/other-servers > relays to peers anywhere, not only to its own addresses',
    ]),
    ours('Go', 'A wrong password gets 401, not 400.', [
      'turn/other-servers > answers a wrong password with 401, not 400',
    ]),
    ours('Go', 'A forbidden peer gets 403, not 401.', [
      'turn/other-servers > answers a forbidden peer with 403, not 401',
    ]),
    ours('Go', 'EVEN-PORT with R=0 reserves no port.', ['turn/other-servers > reserves no port with R=0']),
    ours('C', 'An Allocate while draining gets 508 (or 300), not 403.', [
      'turn/other-servers > answers an Allocate while draining with 508, not 403',
    ]),
    ours('C', 'One transaction is one allocation, also when a NAT gives its copies other ports.', [
      'turn/other-servers > makes one allocation of one transaction, also when a NAT gives its copies other ports',
    ]),
    ours('C', 'No reserved port leaks.', [
      'turn/other-servers > leaks no reserved port, whichever way a reservation ends',
    ]),
  ],
}
