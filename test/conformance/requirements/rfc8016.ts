// RFC 8016: mobility with TURN (--mobility).
import { must, type RequirementList, rfc, should } from './requirement.js'

const ALLOCATE = 'turn/mobility > Allocate with MOBILITY-TICKET (RFC 8016 §3.1.2)'
const REFRESH = 'turn/mobility > Refresh with a ticket from another address (RFC 8016 §3.2.2)'
const TICKETS = 'turn/mobility > tickets rotate (RFC 8016 §3.2.2)'
const THEFT = 'turn/mobility > tickets that are not theirs to use'
const SOCKETS = 'conformance/mobility > mobility (RFC 8016)'
const WITHIN_ONE_THREAD = 'over UDP; over TCP, TLS and DTLS within one thread, and not between UDP and these: 405'

export const rfc8016: RequirementList = rfc(8016, 'Mobility with TURN', [
  must(
    '3.1.2',
    'Where mobility is off, MOBILITY-TICKET is an attribute that is not understood: an Allocate succeeds without a ticket.',
    [`${ALLOCATE} > is served without a ticket where mobility is off`],
    'a policy that forbids it would answer 405; this server does not know it then (adr/0025-mobility.md)',
  ),
  must('3.1.2', 'An Allocate with an empty MOBILITY-TICKET gets a ticket with its success.', [
    `${ALLOCATE} > gets a ticket of 32 characters, and the same one when it is repeated`,
    SOCKETS,
  ]),
  must('3.1.2', 'MOBILITY-TICKET in an Allocate that is not empty gets 400.', [
    `${ALLOCATE} > that brings one gets 400`,
  ]),
  must('3.1.2', 'A client that does not ask for mobility gets no ticket.', [`${ALLOCATE} > without it gets none`]),
  must(
    '3.2.2',
    'A Refresh from a new transport address with the ticket finds the allocation, and moves it.',
    [SOCKETS, REFRESH, 'turn/mobility > a client that comes to another worker', 'turn/mobility > clients over streams'],
    WITHIN_ONE_THREAD,
  ),
  must('3.2.2', 'A Refresh that moves an allocation needs the credentials of its user: others get 441.', [
    `${THEFT} > another user gets 441, and the owner goes on`,
    `${SOCKETS} > whoever has the ticket, and not the key, gets 441; the owner goes on`,
  ]),
  must('3.2.2', 'A ticket that is no valid one gets 400.', [
    `${THEFT} > one that was spoiled anywhere gets 400`,
    `${TICKETS} > the former one is refused once the client has used the next one`,
  ]),
  must('3.2.2', 'A ticket of an allocation that does not exist gets 437.', [
    `${THEFT} > one of an allocation that has ended, or of a server before this one, gets 437`,
  ]),
  must('3.2.2', 'A ticket from where the allocation already is gets 400.', [
    `${REFRESH} > from where the allocation is gets 400`,
  ]),
  must('3.2.2', 'A ticket gets 405 when mobility has been switched off.', [
    'turn/mobility > switched off while it runs',
  ]),
  must('3.2.2', 'Every success of a Refresh with a ticket has a new ticket.', [
    `${REFRESH} > is answered with a lifetime and another ticket`,
    SOCKETS,
  ]),
  must('3.2.2', 'A retransmitted Refresh gets the same answer again, ticket included.', [
    `${TICKETS} > the Refresh that is repeated gets the same answer, before and after data`,
    `${TICKETS} > a client whose answer was lost asks again from yet another port: it gets the same ticket`,
  ]),
  must('3.2.2', 'A Refresh with LIFETIME 0 and the ticket deletes the allocation.', [
    `${REFRESH} > with LIFETIME 0 ends the allocation`,
  ]),
  must(
    '3.2.2',
    'Data goes to the old 5-tuple until data comes from the client on the new one, or the old connection ends.',
    [
      `${REFRESH} > leaves the former address in use until data comes from the new one`,
      'turn/mobility > clients over streams > the end of the old connection is as good as data on the new one',
      SOCKETS,
    ],
  ),
  must('3.2.2', 'Permissions and channels of the allocation hold on the new 5-tuple.', [
    `${REFRESH} > keeps permissions, channels and counters`,
  ]),
  must('3.2.2', 'What comes from the old 5-tuple when the client has moved is that of no allocation.', [
    `${REFRESH} > leaves the former address in use until data comes from the new one`,
  ]),
  should('6', 'A ticket is encrypted and authenticated with a key of the server, and cannot be guessed or made up.', [
    'auth/mobility-tickets',
  ]),
  must('6', 'A stranger with a stolen ticket does not get the allocation.', [
    THEFT,
    `${SOCKETS} > whoever has the ticket, and not the key, gets 441; the owner goes on`,
  ]),
])
