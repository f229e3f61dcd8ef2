// RFC 6062: TCP relays.
import { must, ours, type RequirementList, rfc } from './requirement.js'

export const rfc6062: RequirementList = rfc(6062, 'TURN for TCP', [
  must('5', 'A TCP relay carries no datagrams: Send and ChannelData are dropped, ChannelBind gets 400.', [
    'conformance/tcp-relays > TCP relays > carry no datagrams: ChannelBind gets 400',
    'turn/tcp-allocate > A TCP allocation relays no datagrams',
  ]),
  must('5.1', 'An Allocate of a TCP relay listens on the relayed transport address, of either family.', [
    'conformance/tcp-relays > TCP relays > are allocated, of IPv4, and listen',
    'conformance/tcp-relays > TCP relays > are allocated, of IPv6, and listen',
    'turn/tcp-allocate > Allocate of a TCP relay',
  ]),
  must('5.1', 'Over UDP or DTLS it gets 400.', [
    'conformance/tcp-relays > TCP relays over datagrams > are refused with 400',
    'conformance/allocate > Allocate > for TCP relays over UDP gets 400',
    'turn/tcp-allocate > Allocate of a TCP relay > is refused with 400 over UDP and DTLS',
  ]),
  must('5.1', 'With EVEN-PORT, DONT-FRAGMENT or RESERVATION-TOKEN it gets 400.', [
    'conformance/tcp-relays > TCP relays > are not allocated with',
    'turn/tcp-allocate > Allocate of a TCP relay > is refused with 400 together with',
  ]),
  ours('5.1', 'With ADDITIONAL-ADDRESS-FAMILY it gets 400 too, which RFC 6062 did not know yet.', [
    'turn/tcp-allocate > Allocate of a TCP relay > is refused with 400 together with ADDITIONAL-ADDRESS-FAMILY',
  ]),
  ours('5.1', 'Where there are no TCP relays (--no-tcp-relay) it gets 442.', [
    'turn/tcp-allocate > Allocate of a TCP relay > is refused with 442 where the operator wants none (--no-tcp-relay)',
    'turn/tcp-allocate > Allocate of a TCP relay > is refused with 442 where the server has none',
  ]),
  must('5.1', 'Quota, licence, retransmission, lifetime and Refresh are those of other allocations.', [
    'turn/tcp-allocate > Allocate of a TCP relay > counts in quota and licence, and takes another port where one is in use',
    'turn/tcp-allocate > Allocate of a TCP relay > gets the same answer again for the same transaction, and lives by Refresh',
  ]),
  must('5.2', 'Connect opens a connection from the relayed transport address, and success carries CONNECTION-ID.', [
    'conformance/tcp-relays > TCP relays > a connection to a peer comes from the relayed transport address',
    'turn/connect > Connect (RFC 6062 §5.2) > opens a connection from the relay, and answers with CONNECTION-ID when it is there',
  ]),
  must('5.2', 'Connect gets 437 without an allocation, and 441 with somebody else’s.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 437 without an allocation',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 437 without an allocation, and 441 with somebody else’s',
  ]),
  must('5.2', 'Connect gets 400 with a UDP allocation, and without or with a malformed XOR-PEER-ADDRESS.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 400 on a UDP allocation, and without a peer',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 400 with a UDP allocation, over any transport',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 400 without XOR-PEER-ADDRESS, or with a malformed one',
  ]),
  must('5.2', 'A peer that the policy forbids gets 403: every target, in every spelling, with the port.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 403 where the peer policy says no',
    'turn/connect > The peer policy holds for Connect',
  ]),
  must('5.2', 'A peer of another family gets 443.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 443 for a peer of another family',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 443 for a peer of the other family',
  ]),
  must('5.2', 'While there is a connection to that address and port, or one is being made, Connect gets 446.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 446 for a peer that is connected, bound or not',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 446 while there is a connection to that address and port, or one is being made',
    'conformance/tcp-relays > TCP relays > a peer whose connection has ended may be connected to again',
  ]),
  must('5.2', 'When the connection cannot be made, or not within 30 s, Connect gets 447.', [
    'conformance/tcp-relays > TCP relays > Connect is refused > with 447 when the peer does not take it; it may be tried again',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 447 when the connection cannot be made, and may try again',
    'turn/connect > Connect (RFC 6062 §5.2) > gets 447 after 30 s, and not before',
  ]),
  must('5.2', 'Connect needs no permission, and gives none.', [
    'turn/connect > Connect (RFC 6062 §5.2) > needs no permission, and gives none',
  ]),
  must(
    '5.2',
    'A retransmitted Connect makes no second connection.',
    ['turn/connect > Connect (RFC 6062 §5.2) > absorbs its retransmission while the peer has not answered'],
    'it comes over a stream, where nothing is retransmitted',
  ),
  must('5.2', 'A connection that nobody binds within 30 s is closed.', [
    'turn/connect > Connect (RFC 6062 §5.2) > closes the connection when nobody has bound it for 30 s',
    'turn/connection-attempt > A connection that a peer makes (RFC 6062 §5.3) > is closed when nobody has bound it for 30 s, and not before',
  ]),
  must(
    '5.3',
    'A connection of a peer with a permission is announced: ConnectionAttempt with XOR-PEER-ADDRESS and CONNECTION-ID.',
    [
      'conformance/tcp-relays > TCP relays > a connection of a peer with a permission is announced, and bound',
      'turn/connection-attempt > A connection that a peer makes (RFC 6062 §5.3) > is told to the client: ConnectionAttempt with XOR-PEER-ADDRESS and CONNECTION-ID',
    ],
  ),
  must('5.3', 'Without one it is closed, and never mentioned.', [
    'conformance/tcp-relays > TCP relays > a connection of a peer without one is closed, and never mentioned',
    'turn/connection-attempt > A connection that a peer makes (RFC 6062 §5.3) > is closed without a permission, and with one that has expired',
  ]),
  ours('5.3', 'The policy is asked for the address and the port of a peer that connects.', [
    'turn/connection-attempt > A connection that a peer makes (RFC 6062 §5.3) > is closed where the policy forbids that port, or the address by now',
    'turn/reconfigure > changePolicy',
  ]),
  must('5.4', 'ConnectionBind by the same user, on a new connection, is answered, and then the bytes are raw.', [
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > is answered first, and then the two connections are each other’s',
    'conformance/tcp-relays > TCP relays > bytes behind a ConnectionBind are the peer’s, not frames',
    'net/stream/bound-clients > a bound connection',
  ]),
  must('5.4', 'ConnectionBind is authenticated: 401 without credentials, or with wrong ones.', [
    'conformance/tcp-relays > TCP relays > ConnectionBind is refused > with 401 without credentials, or with wrong ones',
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > is authenticated like every request',
  ]),
  must('5.4', 'A CONNECTION-ID that is unknown, used, another user’s or missing gets 400: the same for all.', [
    'conformance/tcp-relays > TCP relays > ConnectionBind is refused > with 400 for an id that is nobody’s, another user’s, or missing',
    'conformance/tcp-relays > TCP relays > ConnectionBind is refused > with 400 for an id that is used',
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > gets one and the same 400 for an id that is unknown, used, of another user, or not there yet',
  ]),
  must('5.4', 'ConnectionBind over UDP or DTLS, or on a connection that has an allocation, gets 400.', [
    'conformance/tcp-relays > TCP relays over datagrams > have no data connections: ConnectionBind gets 400',
    'conformance/tcp-relays > TCP relays > ConnectionBind is refused > with 400 on a connection that has an allocation',
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > gets 400 over UDP and DTLS, and where the server has no TCP relays',
  ]),
  must('5.4', 'It has to come within 30 s.', [
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > succeeds 29.99 s after the Connect, and gets 400 after 30 s',
  ]),
  ours('4.3', 'It may bring the nonce of its control connection, and no other one of its address.', [
    'turn/connection-bind > ConnectionBind (RFC 6062 §5.4) > takes the nonce of its control connection (§4.3), and no other one of its address',
  ]),
  ours('5.4', 'A data connection may come to another worker than its control connection.', [
    'turn/connection-workers > A data connection on another worker than its control connection',
    'conformance/tcp-relays > TCP relays > two clients meet, each with a relay of this server',
  ]),
  must('5.5', 'Bytes go both ways unchanged, as many as there are, no faster than the other side reads.', [
    'conformance/tcp-relays > TCP relays > bytes go both ways unchanged, as many as there are',
    'net/tcp-relay/data-connection > a data connection',
    'net/tcp-relay/flow-memory > what waits for sides that do not read',
  ]),
  must('5.5', 'When one side ends, the other one is told: a half-close is passed on.', [
    'conformance/tcp-relays > TCP relays > each direction ends for itself (half-close)',
    'net/tcp-relay/data-connection > a data connection',
  ]),
  must('5', 'When the allocation ends, its data connections are closed, and the peers’ with them.', [
    'conformance/tcp-relays > TCP relays > a data connection is closed when',
    'turn/connect > Deletion of an allocation closes its connections',
  ]),
  ours('5', 'Data connections are bounded: 128 of an allocation, then 508; bandwidth limits hold for them.', [
    'turn/connect > Connect (RFC 6062 §5.2) > gets 508 beyond what an allocation may have, until one has gone',
    'turn/connection-bind > The bandwidth of data connections',
  ]),
  ours('4.5', 'A connection’s first message is never ChannelData: it closes.', [
    'net/stream/client-frames > a connection is closed > by ChannelData as its first message',
    'stun/framing > frameLength > refuses ChannelData as the first frame of a connection, at its first byte',
  ]),
  ours('5', 'coturn’s client loses nothing over TCP relays, over TCP and TLS.', [
    'interop/coturn-streams > the coturn client over streams and DTLS',
  ]),
])
