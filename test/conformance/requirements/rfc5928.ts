// RFC 5928: how a client finds the transport and the address of a TURN server (`turnd resolve`).
import { must, open, type RequirementList, rfc, should } from './requirement.js'

const examples = 'client/discovery > the examples of RFC 5928'
const steps = 'client/discovery > the steps of RFC 5928 §3'
const naptr = 'client/discovery > NAPTR records that lead astray'
const dnsmasq = 'commands/resolve > turnd resolve, with a DNS server'

export const rfc5928: RequirementList = rfc(5928, 'TURN resolution', [
  must('3', 'Our client stops with an error where it has no transport that the URI asks for.', [
    `${steps} > a client without the transport that is asked for stops with an error`,
  ]),
  must('3 step 1', 'An IP address in the URI is used as it is, with the default port where there is none.', [
    `${steps} > an IP address asks nobody, and has the port of its scheme`,
  ]),
  must(
    '3 step 2',
    'A name with a port is looked up as A and AAAA, with the transports that the client has.',
    [`${steps} > a name with a port has its addresses, of both families`],
    'for turn: over UDP and TCP alone: TLS is not tried on a port that is not said to be one of TLS',
  ),
  must('3 step 3', 'A name with a transport and no port is looked up as SRV, without which it is A and AAAA.', [
    `${steps} > a transport without SRV records, or where they cannot be had`,
    `${dnsmasq} > finds the listeners for which turnd dns printed records`,
  ]),
  must('3 step 4', 'A name with neither is looked up as S-NAPTR (RELAY), then SRV, then A and AAAA.', [
    `${examples} > several protocols`,
    `${steps} > NAPTR records for other transports end it`,
    `${dnsmasq} > finds the listeners for which turnd dns printed records`,
  ]),
  must(
    '3 step 4',
    'The first set of NAPTR records ranks the transports, and the application those of equal rank.',
    [`${examples} > several protocols`, `${examples} > remote hosting`],
    'the table of §4.2 has another order than this rule, which is the one that is followed',
  ),
  must(
    '3 step 4',
    'A dead end is left for the next record, and no other transport is taken up on the way (RFC 3958).',
    [`${naptr} > of a dead end the next one is tried`, `${dnsmasq} > goes on after a dead end`],
  ),
  must('3 step 5', 'Without NAPTR records of TURN the SRV records of each transport are looked up.', [
    `${steps} > without NAPTR records of TURN`,
  ]),
  must('3', 'SRV records are taken by priority and weight (RFC 2782).', [
    'client/discovery > SRV records',
    `${dnsmasq} > tries servers by priority`,
  ]),
  should('4.3', 'SRV records stand beside NAPTR records, for clients that know no NAPTR.', [
    `${examples} > compatibility`,
    'commands/dns > turnd dns > prints an SRV record for each listener',
  ]),
  must(
    '5',
    'The certificate of TLS has to be for the name of the URI, wherever the records lead.',
    [`${examples} > remote hosting`, 'commands/dns > turnd dns > says who uses what'],
    'turnd resolve and turnd dns say which name it is',
  ),
  open(
    'MUST',
    '3',
    'A server that answered 437, 486 or 508 is not tried again for a time.',
    'turnd resolve makes no allocation',
  ),
])
