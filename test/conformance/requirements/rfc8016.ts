// RFC 8016: mobility with TURN (--mobility).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc8016: RequirementList = rfc(8016, 'Mobility with TURN', [
  open('MUST', '3.1.2', 'Where mobility is off, MOBILITY-TICKET in an Allocate gets 405.', inWork),
  open('MUST', '3.1.2', 'An Allocate with an empty MOBILITY-TICKET gets a ticket with its success.', inWork),
  open('MUST', '3.1.2', 'MOBILITY-TICKET in an Allocate that is not empty gets 400.', inWork),
  open('MUST', '3.1.2', 'A client that does not ask for mobility gets no ticket.', inWork),
  open(
    'MUST',
    '3.2.2',
    'A Refresh from a new transport address with the ticket finds the allocation, and moves it.',
    inWork,
  ),
  open(
    'MUST',
    '3.2.2',
    'A Refresh that moves an allocation needs the credentials of its user: others get 441.',
    inWork,
  ),
  open('MUST', '3.2.2', 'A ticket that is no valid one gets 400.', inWork),
  open('MUST', '3.2.2', 'Every success of a Refresh of such an allocation has a new ticket.', inWork),
  open('MUST', '3.2.2', 'A retransmitted Refresh gets the same answer again, ticket included.', inWork),
  open('MUST', '3.2.2', 'A Refresh with LIFETIME 0 and the ticket deletes the allocation.', inWork),
  open('SHOULD', '3.2.2', 'Data goes to the old 5-tuple until data comes from the client on the new one.', inWork),
  open('MUST', '3.2.2', 'Permissions and channels of the allocation hold on the new 5-tuple.', inWork),
  open('MUST', '3.2.2', 'What comes from the old 5-tuple when the client has moved is that of no allocation.', inWork),
  open(
    'SHOULD',
    '5',
    'A ticket is encrypted and authenticated with a key of the server, and cannot be guessed or made up.',
    inWork,
  ),
  open('MUST', '5', 'A stranger with a stolen ticket does not get the allocation.', inWork),
])
