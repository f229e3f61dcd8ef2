// RFC 5780: NAT behavior discovery (--nat-discovery).
import { must, open, ours, type RequirementList, rfc, should } from './requirement.js'

const REAL = 'conformance/nat-discovery > NAT discovery'
const LOGIC = 'turn/nat-discovery > NAT behaviour discovery'

export const rfc5780: RequirementList = rfc(5780, 'NAT behavior discovery', [
  should('6', 'The server has two IP addresses and two ports, and serves Binding on all four over UDP.', [
    `${REAL} > answers from each address and port what it asks for, on every worker`,
    'interop/nat-discovery > behind a NAT',
  ]),
  should(
    '6',
    'The same over TCP, where a mapping can be found out, too.',
    ['conformance/nat-discovery > NAT discovery over TCP', `${LOGIC} > over TCP the other address is told`],
    'where the listeners are for TCP as well',
  ),
  open('SHOULD', '6', 'The same over TLS.', 'not done: no client is known that asks'),
  must('6', 'With one address OTHER-ADDRESS is not told, and CHANGE-REQUEST gets 420.', [
    `${LOGIC} > without it CHANGE-REQUEST, RESPONSE-PORT and PADDING are unknown`,
  ]),
  must('6.1', 'A Binding answer has MAPPED-ADDRESS and XOR-MAPPED-ADDRESS, RESPONSE-ORIGIN and OTHER-ADDRESS.', [
    `${LOGIC} > tells both forms of the client’s address`,
    'interop/nat-discovery > over loopback > coturn’s client finds no NAT',
  ]),
  must('6.1', 'CHANGE-REQUEST has the answer come from the other address, the other port, or both.', [
    `${LOGIC} > CHANGE-REQUEST has it come from the other address`,
    `${REAL} > answers from each address and port what it asks for, on every worker`,
  ]),
  must('6.1', 'CHANGE-REQUEST over TCP or TLS, or for a socket that is closed, gets 420.', [
    'conformance/nat-discovery > NAT discovery over TCP',
    `${LOGIC} > without it CHANGE-REQUEST, RESPONSE-PORT and PADDING are unknown`,
    `${LOGIC} > CHANGE-REQUEST to a socket that is closed gets 420`,
  ]),
  must(
    '6.1',
    'PADDING in a request has the answer padded.',
    ['turn/nat-discovery > PADDING', `${REAL} > PADDING makes the answer as long as the request`],
    'to the length of the request instead of the MTU, at most 2,048 bytes: no stranger gets more than was sent',
  ),
  must('6.1', 'PADDING together with RESPONSE-PORT gets 400.', [
    'turn/nat-discovery > RESPONSE-PORT > with PADDING gets 400',
  ]),
  must('7.2', 'Attributes of another length, and a port of 0, get 400.', [`${LOGIC} > malformed attributes get 400`]),
  must(
    '7.5',
    'RESPONSE-PORT has the answer go to that port of the source address.',
    ['turn/nat-discovery > RESPONSE-PORT', `${REAL} > RESPONSE-PORT goes to another socket of that address`],
    'ports below 1024 get 403',
  ),
  ours('10', 'It is no reflector: an answer to another port counts ten times against the limit of its source.', [
    'turn/nat-discovery > RESPONSE-PORT > counts ten times against the limit',
  ]),
  ours('6.1', 'Behind static NAT the public addresses are told.', [
    `${LOGIC} > behind static NAT the public addresses are told`,
  ]),
])
