// RFC 8489 §10: 300 Try Alternate, ALTERNATE-SERVER and ALTERNATE-DOMAIN (--alternate). Rows of rfc8489.ts.
import { may, must, open, ours, type Requirement, should } from './requirement.js'

const FOLLOWED = 'interop/alternate > a server that is drained, with another one beside it'

export const redirection: readonly Requirement[] = [
  may('10', 'An Allocate is answered with 300 and ALTERNATE-SERVER while the server drains.', [
    'turn/alternate > a server that drains > answers Allocate with 300',
    FOLLOWED,
  ]),
  may('10', 'So it is while the server is full, or has its share (--alternate-above).', [
    'turn/alternate > a server that is full',
    'turn/alternate > --alternate-above',
    'conformance/redirection > a server that sends everybody to another one',
  ]),
  must('10', 'ALTERNATE-SERVER is of the address family of the request’s source.', [
    'turn/alternate > a server that drains > sends an IPv6 client to the IPv6 address',
    'turn/alternate > a server that drains > without a server of the client’s family',
  ]),
  should('10', 'A second ALTERNATE-SERVER, behind it, is of the other family.', [
    'turn/alternate > a server that drains > answers Allocate with 300',
  ]),
  must('10', 'ALTERNATE-DOMAIN is added for clients over TLS and DTLS, where the server is known by a name.', [
    'conformance/redirection > a server that sends everybody to another one > adds the name that the certificate is for',
    'turn/alternate > over TLS the 300 has ALTERNATE-DOMAIN',
  ]),
  may(
    '10',
    'A 300 is authenticated as the request was.',
    ['conformance/redirection > a server that sends everybody to another one > answers Allocate with a signed 300'],
    'an Allocate without credentials gets an unsigned one in place of the challenge: browsers follow no other',
  ),
  must('10', 'Clients follow, with the same credentials: Chromium and coturn’s client end up on the other server.', [
    FOLLOWED,
  ]),
  must('10', 'Our client compares the certificate with the name of ALTERNATE-DOMAIN.', [
    'server/alternates > a running server > and turnd probe go together',
  ]),
  must('10', 'Our client follows once: no redirections in a circle.', [
    'client/turn-client > a probe > goes where a 300 sends it, once',
  ]),
  ours('10', 'Who has an allocation keeps it: nothing but Allocate is answered with 300.', [
    'turn/alternate > a server that drains > serves allocations that exist',
  ]),
  ours('10', 'A request is found fault with before it is sent elsewhere, and a quota of the user stays 486.', [
    'turn/alternate > a server that drains > finds fault with a request',
    'turn/alternate > a server that is full > the quota of the user stays 486',
  ]),
  ours('10', 'A server never sends clients to itself.', ['server/alternates > names of other servers']),
  ours('10', 'Without --alternate there is no 300.', [
    'turn/alternate > a server that drains > without a server of the client’s family, or with none',
  ]),
  open('MAY', '10', 'A Binding is answered with 300.', 'not done: it costs less than the answer that would avoid it'),
]
