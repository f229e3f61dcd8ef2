// RFC 8656: TURN.
import { may, must, open, ours, type RequirementList, rfc, should } from './requirement.js'

export const rfc8656: RequirementList = rfc(
  8656,
  'TURN',
  [
    // General behaviour (§3 to §6).
    must('3.1', 'Clients come over UDP, TCP, TLS and DTLS; relays to peers are UDP.', [
      'conformance/allocate > Allocate > is answered with relayed and mapped address, lifetime and integrity',
      'conformance/data > Send and Data indications',
      'conformance/channels > ChannelData',
    ]),
    must('5', 'Every request is authenticated by the long-term mechanism before anything is said of it.', [
      'conformance/authentication > the challenge > comes before anything else is said of the request',
      'turn/core > requests about an allocation > Refresh without credentials gets 401 whether there is an allocation or not',
      'turn/core > requests about an allocation > CreatePermission without credentials gets 401 whether there is an allocation or not',
      'turn/core > requests about an allocation > ChannelBind without credentials gets 401 whether there is an allocation or not',
    ]),
    must('5', 'A request other than Allocate on a 5-tuple without an allocation gets 437.', [
      'conformance/refresh > without an allocation > Refresh, CreatePermission and ChannelBind get 437',
      'turn/core > requests about an allocation',
    ]),
    must('5', 'Indications and ChannelData on such a 5-tuple are silent.', [
      'conformance/refresh > without an allocation > Send indications and ChannelData are silent',
      'turn/core > what is dropped silently, and counted > a Send indication without allocation',
      'turn/core > what is dropped silently, and counted > ChannelData without allocation',
    ]),
    must('5', 'Another user name on the same allocation gets 441, and changes nothing.', [
      'conformance/authentication > another user on the same allocation gets 441',
      'turn/core > requests about an allocation > Refresh of another user on the same 5-tuple gets 441, and changes nothing',
      'turn/core > requests about an allocation > CreatePermission of another user on the same 5-tuple gets 441, and changes nothing',
      'turn/core > requests about an allocation > ChannelBind of another user on the same 5-tuple gets 441, and changes nothing',
      'turn/account > the account of a TURN REST name > is not who an allocation belongs to: another name of the user gets 441',
    ]),
    must('5', 'The credentials of an allocation may not be changed to another user; the same user may renew them.', [
      'auth/authenticator > an expired TURN REST name (ADR 7)',
      'conformance/variants > every variant of the long-term mechanism > are the same allocation’s',
    ]),
    must('5', 'An allocation is known by its 5-tuple, the server’s address and port included.', [
      'conformance/refresh > without an allocation > the allocation of one client is nothing to another one, even of the same user',
      'conformance/wildcard > a wildcard listener',
      'turn/five-tuple-table > FiveTupleTable',
      'turn/core > requests about an allocation > a 5-tuple is also the listener: the same client elsewhere has no allocation',
    ]),
    must('5', 'Allocate has no indication: it is dropped, and so is every class that a method lacks.', [
      'conformance/binding > what gets no answer > a class that the method does not have',
      'turn/core > what is dropped silently, and counted',
    ]),
    must('6', 'With the allocation go its relays, permissions and channels.', [
      'conformance/refresh > Refresh > deletes permissions and channels with the allocation',
      'turn/lifecycle > an allocation that ends while it is opening',
      'soak/churn > clients that come and go > leave nothing behind on the',
    ]),
    ours('6', 'The end of a stream connection ends its allocation.', [
      'turn/core > the end > of a stream connection ends its allocation at once',
      'net/stream/client-frames > a connection is closed > by the client’s FIN: it is answered, and the core is told once',
    ]),
    must('6', 'Expired is what has expired, and not a moment before.', [
      'turn/allocate > the lifetime of an allocation',
      'turn/expiry > ExpiryWheel',
    ]),

    ours(
      '6',
      'When the server ends it takes no new allocations, and those that are there lose nothing until the deadline.',
      ['fault/drain > with the', 'turn/core > draining'],
    ),
    ours('6', 'After a crash old 5-tuples get 437 or 438, and nobody gets another’s data.', [
      'soak/crash > a server that is killed and starts again',
    ]),
    ours('6', 'A wall clock that jumps ends and prolongs nothing.', ['fault/clock-jump']),
    ours('6', 'A worker that dies costs the others nothing, and its ports and places come back.', [
      'turn/workers > workers of one server > lose nothing when one has died and is swept, and have its places and ports again',
      'soak/worker-death > a worker that dies under load',
    ]),

    // Allocate (§7.2), in the order of its steps.
    must('7.2', 'The faults of an Allocate are judged in the order of the RFC: the earliest step answers.', [
      'conformance/allocate > Allocate > has its faults judged in the order of the RFC',
      'turn/allocate-order > Allocate, step by step > every combination gets the answer of the earliest step, or succeeds',
    ]),
    must('7.2 step 2', 'On a 5-tuple with an allocation it gets 437.', [
      'conformance/allocate > Allocate > of another transaction gets 437, whatever it asks for',
      'turn/allocate-order > Allocate, step by step > an allocation on the 5-tuple: 437',
    ]),
    must('7.2 step 2', 'The same transaction id gets the original answer again, token included.', [
      'conformance/allocate > Allocate > of the same transaction again gets the same answer, token included',
      'turn/allocate > a retransmitted Allocate',
    ]),
    must('7.2 step 3', 'REQUESTED-TRANSPORT that is missing or malformed gets 400.', [
      'conformance/allocate > Allocate > needs REQUESTED-TRANSPORT of four bytes: 400',
      'turn/allocate-order > Allocate, step by step > no REQUESTED-TRANSPORT: 400',
    ]),
    must('7.2 step 3', 'A transport protocol that the server does not relay gets 442.', [
      'conformance/allocate > Allocate > for a transport that does not exist gets 442',
      'turn/allocate-order > Allocate, step by step > another transport protocol: 442',
      'turn/allocate-order > Allocate, step by step > transport protocol 0: 442',
    ]),
    must('7.2 step 4', 'DONT-FRAGMENT where the DF bit cannot be set gets 420.', [
      'conformance/allocate > Allocate > with DONT-FRAGMENT gets 420 from an engine that cannot set DF',
      'turn/allocate-order > Allocate, step by step > DONT-FRAGMENT where the engine has none: 420',
    ]),
    must('7.2 step 5', 'RESERVATION-TOKEN with EVEN-PORT or a family attribute gets 400.', [
      'turn/allocate-order > Allocate, step by step > RESERVATION-TOKEN with EVEN-PORT: 400',
      'turn/allocate-order > Allocate, step by step > RESERVATION-TOKEN with a family: 400',
      'turn/allocate-order > Allocate, step by step > RESERVATION-TOKEN with another family: 400',
      'conformance/allocate > Allocate > has its faults judged in the order of the RFC',
    ]),
    must('7.2 step 5', 'A token that is unknown, used or expired gets 508; one of another length 400.', [
      'conformance/reservations > RESERVATION-TOKEN > of another length gets 400, an unknown one 508',
      'conformance/reservations > RESERVATION-TOKEN > is good for one allocation',
      'turn/even-port > RESERVATION-TOKEN > is good for 30 s, and expired gets 508',
      'turn/even-port > RESERVATION-TOKEN > used before gets 508',
    ]),
    ours('7.2 step 5', 'A token is good for the user who got it, and is not lost when another one tries it.', [
      'conformance/reservations > RESERVATION-TOKEN > is good for the user who got it, and is not lost by trying',
      'turn/even-port > RESERVATION-TOKEN > of another user gets 508, and stays good for its own',
    ]),
    must('7.2 step 6', 'REQUESTED- and ADDITIONAL-ADDRESS-FAMILY together get 400.', [
      'turn/allocate-order > Allocate, step by step > REQUESTED- and ADDITIONAL-ADDRESS-FAMILY: 400',
      'conformance/allocate > Allocate > has its faults judged in the order of the RFC',
    ]),
    must('7.2 step 7', 'An address family that is unknown, or of which there are no relays, gets 440.', [
      'turn/allocate-order > Allocate, step by step > an unknown family: 440',
      'turn/allocate-order > Allocate, step by step > a family without relay address: 440',
      'conformance/dual-stack > a server with IPv4 relays only > refuses an IPv6 relay with 440',
    ]),
    must('7.2 step 8', 'EVEN-PORT with R=1 together with ADDITIONAL-ADDRESS-FAMILY gets 400.', [
      'turn/allocate-order > Allocate, step by step > EVEN-PORT with R=1 and two families: 400',
      'conformance/allocate > Allocate > has its faults judged in the order of the RFC',
    ]),
    must('7.2 step 9', 'ADDITIONAL-ADDRESS-FAMILY of IPv4 gets 400.', [
      'turn/allocate-order > Allocate, step by step > ADDITIONAL-ADDRESS-FAMILY IPv4: 400',
      'conformance/allocate > Allocate > has its faults judged in the order of the RFC',
    ]),
    may('7.2', 'Beyond the quota of a user an Allocate gets 486, and nobody else notices.', [
      'conformance/limits > limits > the quota of a user is 486, and touches nobody else',
      'conformance/limits > limits > the quota is looked at before the licence, and an unknown token before both',
      'turn/allocate-order > Allocate, step by step > the user’s quota: 486',
    ]),
    must('7.2', 'Without capacity an Allocate gets 508: no port, no place of the licence, no socket.', [
      'conformance/limits > limits > 10 relay ports are 10 allocations, then 508',
      'conformance/limits > limits > the licence counts allocations of all users, then 508',
      'turn/allocate-order > Allocate, step by step > no port left: 508',
      'turn/lifecycle > an operating system that refuses sockets (EMFILE) ends in 508 at once, with nothing held',
    ]),
    ours('7.2', 'Of many Allocates at once exactly as many get in as there is room for, over all workers.', [
      'conformance/limits > limits > a quota of 10 admits exactly 10 of 100 requests at once',
      'conformance/workers > workers',
      'turn/allocate > quota and licence',
      'turn/shared-tables > worker threads at one table',
    ]),
    must('7.2', 'Malformed attributes get 400, and leave nothing behind.', [
      'turn/allocate-order > Allocate with malformed attributes gets 400 and leaves nothing',
    ]),

    // What is allocated (§7.2, §7.3).
    must(
      '7.2',
      'Success carries XOR-RELAYED-ADDRESS, LIFETIME, XOR-MAPPED-ADDRESS, a token where one was made, and integrity.',
      [
        'conformance/allocate > Allocate > is answered with relayed and mapped address, lifetime and integrity',
        'turn/allocate > a successful Allocate > answers relayed address, lifetime and reflexive address, and opens that socket',
      ],
    ),
    must('7.2', 'Success is said when the relay is open.', [
      'turn/allocate > a successful Allocate > is answered only when the socket is open',
    ]),
    must('7.2', 'Without a family attribute the relay is IPv4, for clients over IPv6 too.', [
      'conformance/dual-stack > address families > a request without a family gets an IPv4 relay, on an IPv6 listener too',
      'turn/allocate > a successful Allocate > without a family is IPv4, for IPv6 clients too',
    ]),
    must('7.2', 'REQUESTED-ADDRESS-FAMILY decides the family of the relay.', [
      'conformance/dual-stack > address families > REQUESTED-ADDRESS-FAMILY decides the family of the relay, not that of the listener',
      'turn/allocate > a successful Allocate > with REQUESTED-ADDRESS-FAMILY is of that family',
    ]),
    must('7.2', 'ADDITIONAL-ADDRESS-FAMILY of IPv6 gives a relay of each family, over which data flows.', [
      'conformance/dual-stack > address families > ADDITIONAL-ADDRESS-FAMILY IPv6 gives both, and data flows over each',
      'turn/lifecycle > two families',
    ]),
    must('7.2', 'Where one of the two cannot be had, it is a success with ADDRESS-ERROR-CODE (440 or 508).', [
      'conformance/dual-stack > a server with IPv4 relays only > answers a dual allocation with IPv4 and ADDRESS-ERROR-CODE',
      'turn/lifecycle > two families > with a failing IPv4 socket: success, and ADDRESS-ERROR-CODE 508',
      'turn/lifecycle > two families > with a failing IPv6 socket: success, and ADDRESS-ERROR-CODE 508',
      'turn/lifecycle > two families > with the ports of one family all taken: success, and ADDRESS-ERROR-CODE 508',
    ]),
    ours('7.2', 'A dual allocation counts once in quota and licence.', [
      'conformance/limits > limits > a dual allocation counts once',
      'turn/allocate > quota and licence > an allocation for two families counts once',
    ]),
    must('7.2', 'EVEN-PORT with R=0 gives an even port, and reserves nothing.', [
      'conformance/reservations > EVEN-PORT > without R gives an even port and reserves nothing',
      'turn/even-port > EVEN-PORT with R=0',
      'turn/relay-ports > RelayPorts.claimEven > gives even ports only, and leaves the odd ones free',
    ]),
    must('7.2', 'EVEN-PORT with R=1 gives an even port, and keeps the next one for who brings the token.', [
      'conformance/reservations > EVEN-PORT > with R keeps the next port for whoever brings the token',
      'conformance/reservations > EVEN-PORT > takes a pair of ports or nothing, and gives back both',
      'turn/even-port > EVEN-PORT with R=1',
    ]),
    should('7.2', 'A reservation lasts for 30 s at least, whatever becomes of its allocation.', [
      'turn/even-port > EVEN-PORT with R=1 > gives port and place back after 30 s, not a tick before',
      'turn/even-port > EVEN-PORT with R=1 > keeps the reservation when its allocation ends first',
      'conformance/reservations > RESERVATION-TOKEN > outlives the allocation that reserved it',
    ]),
    must('7.2', 'Tokens hold server-wide: a client may bring one to another worker.', [
      'conformance/workers > workers > tokens of each hold on all',
      'turn/workers > workers of one server > honour each other’s reservation tokens, once',
    ]),
    ours('7.2', 'Reserved ports count in quota and licence, and none leaks.', [
      'conformance/limits > limits > a reserved port counts until it is claimed, and a claim costs nothing more',
      'turn/even-port > EVEN-PORT with R=1 > leaks nothing in 1,000 rounds, claimed or not',
      'turn/relay-ports > RelayPorts.claimEven > leaks nothing in 10,000 rounds of pairs',
    ]),
    should('7.2', 'The lifetime is 600 s for everything below it, and at most 3600 s.', [
      'conformance/allocate > Allocate > grants 600 s for anything below it, and at most 3600 s',
      'turn/allocate > the lifetime of an allocation',
    ]),
    must('7.2', 'Ports of relays are not to be foretold.', [
      'conformance/allocate > Allocate > draws ports that do not follow each other',
      'turn/relay-ports > RelayPorts > claims 10,000 ports without a repetition, and shows no pattern',
      'turn/allocate > a successful Allocate > draws ports that cannot be foretold',
    ]),
    must('7.2', 'A port of a relay is nobody else’s: one that a stranger has is not used.', [
      'turn/lifecycle > a relay port that a stranger has',
      'turn/relay-ports > RelayPorts > gives every port of the range once, then 0, whatever the parity of its ends',
    ]),
    open(
      'SHOULD',
      '7.2',
      'Ports of relays are from 49152 to 65535.',
      'the default is 24000 to 29999, as firewalls beside an Expressway have it open; --min-port and --max-port say otherwise',
    ),
    ours('7.2', 'Behind static NAT clients are told the public address, and reach each other by it.', [
      'conformance/hairpin > hairpin behind --external-ip 203.0.113.7/127.0.0.1',
      'turn/allocate > a successful Allocate > binds PRIVATE and tells PUBLIC behind static NAT',
      'turn/hairpin > two clients behind static NAT',
    ]),
    must('7.4', 'Our client takes another family where its own has no relay.', [
      'client/turn-client > a client > takes a relay of the other address family where there is none of its own',
    ]),

    // Refresh (§8).
    must('8.2', 'A Refresh grants 600 s for anything below it but 0, and caps above 3600 s instead of failing.', [
      'conformance/refresh > Refresh > grants 600 s for anything below it but 0, and caps at 3600 s instead of failing',
      'turn/refresh > Refresh (RFC 8656 §8.2)',
      'turn/other-servers > caps a Refresh above 3600 s instead of failing it',
    ]),
    must('8.2', 'LIFETIME 0 deletes the allocation: its sockets are closed at once.', [
      'conformance/refresh > Refresh > with LIFETIME 0 closes the relay at once: its port is free',
      'turn/refresh > Refresh (RFC 8656 §8.2) > with LIFETIME 0 closes the socket at once and gives everything back',
    ]),
    must('8.2', 'LIFETIME 0 again gets 437; a new Allocate makes a new allocation.', [
      'conformance/refresh > Refresh > with LIFETIME 0 again gets 437',
      'conformance/refresh > without an allocation > an Allocate whose allocation was deleted makes a new one',
    ]),
    must('8.2', 'A family that the allocation lacks gets 443.', [
      'conformance/refresh > Refresh > of a family that the allocation lacks, or that does not exist, gets 443',
      'conformance/refresh > Refresh > of an IPv6 allocation for IPv4 gets 443',
      'turn/refresh > Refresh with REQUESTED-ADDRESS-FAMILY',
    ]),
    must('8.2', 'With a family a Refresh is about that relay alone; without one it is about both.', [
      'conformance/dual-stack > address families > one of two relays can be deleted; the other goes on',
      'conformance/dual-stack > address families > Refresh without a family is about both',
      'turn/refresh > Refresh with REQUESTED-ADDRESS-FAMILY',
    ]),
    must('8.2', 'A Refresh refreshes neither permissions nor channels.', [
      'turn/refresh > Refresh (RFC 8656 §8.2) > does not refresh permissions or channels',
    ]),
    must('8.2', 'LIFETIME of a wrong length gets 400, and changes nothing.', [
      'conformance/refresh > Refresh > of a wrong length gets 400, and changes nothing',
      'turn/refresh > Refresh (RFC 8656 §8.2) > refuses LIFETIME of 3 bytes with 400',
    ]),

    // Permissions (§9, §10).
    must('9', 'A permission is for an IP address, whatever the port.', [
      'conformance/permissions > CreatePermission > lets a peer in, whatever its port; nobody else',
      'conformance/permissions > CreatePermission > lets the client send to any port of the peer',
      'turn/allocation > permissions of an allocation > are found by IP address, whatever the port, also when hashes collide',
    ]),
    must('9', 'It lives for 300 s, and is refreshed by CreatePermission and ChannelBind alone.', [
      'turn/create-permission > a permission lives 300 s',
      'turn/channel-bind > a binding lives 600 s and its permission 300 s',
    ]),
    must('10.2', 'CreatePermission takes several peers.', [
      'conformance/permissions > CreatePermission > takes several peers',
      'turn/create-permission > CreatePermission (RFC 8656 §10) > takes several peers of both families',
    ]),
    must('10.2', 'It grants all of them or none.', [
      'conformance/permissions > CreatePermission > grants all peers or none',
      'turn/create-permission > CreatePermission (RFC 8656 §10) > installs all or nothing',
      'turn/create-permission > CreatePermission (RFC 8656 §10) > does not refresh the others of a request that is refused',
    ]),
    must('10.2', 'XOR-PEER-ADDRESS that is missing or malformed gets 400.', [
      'conformance/permissions > CreatePermission > needs well-formed peers: 400',
      'turn/create-permission > CreatePermission (RFC 8656 §10)',
    ]),
    must('10.2', 'A peer of a family that the allocation lacks gets 443.', [
      'conformance/dual-stack > address families > a peer of a family that the allocation lacks gets 443',
      'conformance/peer-policy > forbidden peers > a spelling in IPv6 is a family mismatch for an IPv4 relay: 443',
      'turn/peer-methods > a family that the allocation lacks gets 443, in every encoding',
    ]),
    must('10.2', 'A peer that the policy forbids gets 403, in every spelling of its address.', [
      'conformance/peer-policy > forbidden peers',
      'turn/peer-policy > every spelling of a forbidden IPv4 address is forbidden',
      'turn/peer-methods',
      'turn/create-permission > what is forbidden gets 403',
    ]),
    must('10.2', 'Where there is no room for another permission it gets 508.', [
      'conformance/limits > limits > permissions of an allocation: N, then 508 for the whole request',
      'turn/create-permission > the cap of permissions (security.md)',
    ]),
    must('10.2', 'A permission of now counts for what comes later, not for what came before.', [
      'turn/create-permission > CreatePermission (RFC 8656 §10) > lets data of the peer through, from any port, and data to it, and nothing before',
    ]),

    // Send and Data (§11).
    must('11.2', 'A Send indication becomes a UDP datagram from the relay to the peer, of DATA alone.', [
      'conformance/data > Send and Data indications > carry any payload unchanged, both ways, with',
      'turn/relay > Send indications',
    ]),
    must('11.2', 'DATA of zero bytes is a valid datagram.', [
      'turn/relay > Send indications > with DATA of zero bytes send an empty datagram',
      'conformance/data > Send and Data indications > carry any payload unchanged, both ways, with',
    ]),
    must('11.2', 'A Send without DATA or peer, or with a malformed peer, is dropped in silence.', [
      'conformance/data > Send and Data indications > Send without DATA or peer, or with a malformed peer, is silent',
      'turn/relay > Send indications > are silently dropped when something is missing, malformed or unknown',
    ]),
    must('11.2', 'A Send without a permission for the peer goes nowhere, and makes none.', [
      'conformance/data > Send and Data indications > Send installs no permission, and goes nowhere without one',
    ]),
    ours('11.2', 'A Send to port 0 goes nowhere.', [
      'conformance/data > Send and Data indications > Send to port 0 goes nowhere',
    ]),
    must('11.2', 'A Send refreshes nothing.', [
      'turn/create-permission > a permission lives 300 s > data does not refresh it, in no direction',
    ]),
    must(
      '11.2',
      'DONT-FRAGMENT in a Send is honoured, or the Send is dropped.',
      [
        'conformance/dont-fragment > DONT-FRAGMENT > sets DF in what it is said of, and in nothing else',
        'conformance/data > Send and Data indications > Send with DONT-FRAGMENT is dropped by an engine that cannot set DF',
        'turn/dont-fragment > DONT-FRAGMENT where the engine can set the DF bit',
      ],
      'the native engine honours it, the dgram engine drops',
    ),
    must('11.2', 'The policy is asked for address and port of each Send.', [
      'conformance/peer-policy > rules > with ports: permission for the address, data for the port alone',
      'turn/relay > what the peer policy forbids is not relayed, in no direction, whatever permission there is',
    ]),
    must('11.3', 'A datagram of a peer with a permission becomes a Data indication with XOR-PEER-ADDRESS and DATA.', [
      'conformance/data > Send and Data indications > a Data indication has the peer, the data, and zeros as padding; no integrity',
      'turn/relay > datagrams from peers',
    ]),
    must('11.3', 'A datagram of a peer without a permission is dropped.', [
      'conformance/permissions > CreatePermission > lets a peer in, whatever its port; nobody else',
      'turn/relay > datagrams from peers > without permission are dropped and counted',
    ]),
    must('11.3', 'A Data indication has a transaction id of its own.', [
      'turn/relay > datagrams from peers > each Data indication has a transaction id of its own',
    ]),
    ours('11.3', 'No datagram reaches another client than the one whose relay it came to.', [
      'turn/relay > datagrams from peers > of one allocation never reach another client',
      'conformance/data > Send and Data indications > of many peers keep their order, and mix up nobody',
      'sim/sim',
    ]),
    must(
      '11.5',
      'ICMP errors of the types that the RFC names become Data indications with XOR-PEER-ADDRESS and ICMP, without DATA.',
      [
        'conformance/icmp > ICMP errors > of a closed port of 127.0.0.1 are told to the client',
        'conformance/icmp > ICMP errors > of a router',
        'turn/peer-icmp > an ICMP error for a relayed datagram',
      ],
      'with the native engine: node:dgram tells nothing of ICMP (§14, alternate behaviour)',
    ),
    must(
      '11.5',
      'They are matched by the destination that the error encapsulates, which needs a permission.',
      [
        'turn/peer-icmp > an ICMP error for a relayed datagram > needs a live permission for the address; its port does not matter',
        'conformance/icmp > ICMP errors > of a router',
      ],
      'with the native engine',
    ),

    // Channels (§12).
    must(
      '12',
      'Channel numbers are 0x4000 to 0x4FFF: others get 400.',
      [
        'conformance/channels > ChannelBind > takes 0x4000 to 0x4FFF and answers 400 to others',
        'turn/channel-bind > ChannelBind (RFC 8656 §12) > takes 0x4000–0x4FFF and refuses the numbers next to them with 400',
        'turn/other-servers > does not accept channels up to 0x7FFF',
      ],
      '--channel-range rfc5766 takes up to 0x7FFE, for clients of RFC 5766',
    ),
    must('12.2', 'A number or a peer that is bound otherwise gets 400, and stays as it was.', [
      'conformance/channels > ChannelBind > of a number or a peer that is bound otherwise gets 400',
      'turn/channel-bind > ChannelBind (RFC 8656 §12)',
    ]),
    must('12', 'Two ports of one peer are two peers: a channel is bound to a transport address.', [
      'turn/channel-bind > ChannelBind (RFC 8656 §12) > two ports of one peer, and one port of two peers, are different peers',
      'conformance/channels > ChannelData > of several channels finds each its peer',
    ]),
    must('12.2', 'CHANNEL-NUMBER or XOR-PEER-ADDRESS that is missing or malformed gets 400.', [
      'conformance/channels > ChannelBind > without number or peer, or with malformed ones, gets 400',
      'turn/channel-bind > ChannelBind (RFC 8656 §12) > without number or peer, or with malformed ones, gets 400',
    ]),
    must('12.2', 'A forbidden peer gets 403, another family 443, and neither a permission.', [
      'turn/channel-bind > ChannelBind (RFC 8656 §12) > a forbidden peer gets 403, another family 443, and neither a permission',
      'conformance/dual-stack > address families > a peer of a family that the allocation lacks gets 443',
    ]),
    must('12.2', 'Where there is no room for another channel it gets 508.', [
      'conformance/limits > limits > channels of an allocation: N, then 508',
      'turn/channel-bind > the caps (security.md)',
    ]),
    must('12.2', 'A ChannelBind installs or refreshes the permission of the peer.', [
      'conformance/channels > ChannelBind > installs the permission of the peer',
      'turn/channel-bind > a binding lives 600 s and its permission 300 s > binding again refreshes both',
    ]),
    must('12.2', 'The same number and peer again is a refresh.', [
      'conformance/channels > ChannelBind > again with the same number and peer is a refresh',
    ]),
    must('12', 'A binding lasts for 600 s, its permission for 300 s: they expire separately.', [
      'turn/channel-bind > a binding lives 600 s and its permission 300 s > they expire separately, to the tick',
      'turn/channel-bind > a binding lives 600 s and its permission 300 s > after the binding has gone, a refreshed permission carries Data indications',
    ]),
    must(
      '12',
      'When a binding has expired, number and peer may be bound anew.',
      [
        'turn/channel-bind > a binding lives 600 s and its permission 300 s > expired, the number may be bound to another peer, and the peer to another number',
      ],
      'at once: the 300 s that §12 asks of the client before it does so are not held against it',
    ),
    must('12.4', 'ChannelData is a number, a length and that many bytes.', [
      'stun/channel-data > ChannelData header > holds channel number and length in network order',
      'conformance/channels > ChannelData > carries any payload unchanged, both ways, with',
    ]),
    must('12.5', 'Over streams ChannelData is padded to 4 bytes; over UDP it need not be.', [
      'net/stream/client-frames > a client over TCP > relays ChannelData both ways, padded to 4',
      'stun/framing > frameLength > is the length of ChannelData with its padding',
      'conformance/channels > ChannelData > towards the client has no padding over datagrams',
    ]),
    must('12.6', 'ChannelData on a channel that is not bound is dropped.', [
      'conformance/channels > ChannelData > on a channel that is not bound is silent',
      'turn/relay > ChannelData from the client > on a channel that is not bound is dropped',
    ]),
    must('12.6', 'A length beyond the datagram is dropped; bytes behind the length are none of the data.', [
      'conformance/channels > ChannelData > shorter than its length is dropped, longer is cut',
      'turn/relay > ChannelData from the client > with a length beyond the datagram is dropped',
    ]),
    must('12.6', 'ChannelData of length 0 sends an empty datagram.', [
      'turn/relay > ChannelData from the client > of length 0 sends an empty datagram',
    ]),
    must('12.6', 'ChannelData refreshes nothing.', [
      'turn/channel-bind > a binding lives 600 s and its permission 300 s > CreatePermission does not refresh the binding, nor does ChannelData refresh anything',
    ]),
    must('12.6', 'DF is set by no ChannelData.', [
      'turn/dont-fragment > DONT-FRAGMENT where the engine can set the DF bit > is never asked for by ChannelData',
    ]),
    should('12.7', 'Once a channel is bound, data of its peer comes as ChannelData.', [
      'conformance/channels > ChannelData > is what the server sends once the channel is bound, and Data indications before',
      'turn/relay > datagrams from peers > arrive as ChannelData on a bound channel',
    ]),
    ours('12', 'Bursts of mixed sizes arrive whole, once and in order, kept together by the kernel or not.', [
      'conformance/bursts > bursts of mixed sizes, over channels and indications, arrive whole, once and in order',
      'conformance/coalesced > bursts that the kernel keeps together',
      'conformance/channels > ChannelData > survives 2,000 packets without loss, duplication or disorder',
    ]),

    // IP headers (§13 to §16).
    must('13.1', 'An IPv6 client reaches an IPv4 peer, and the other way round.', [
      'conformance/dual-stack > address families > an IPv6 client reaches an IPv4 peer, and the other way round, by channels',
    ]),
    should(
      '14',
      'DSCP and ECN of relayed data are those of what came in.',
      ['conformance/traffic-class > DSCP and ECN > are carried both ways with', 'net/native/native-engine-ip'],
      'with the native engine, between UDP on both sides; the dgram engine takes the alternate behaviour, the system’s default',
    ),
    open(
      'SHOULD',
      '14',
      'TTL and hop limit of relayed data are one less than those of what came in.',
      'the alternate behaviour: the system’s default, since reading it would cost a control message for each packet',
    ),
    should(
      '14',
      'DF is not set where the client has not asked for it.',
      ['conformance/dont-fragment > DONT-FRAGMENT > sets DF in what it is said of, and in nothing else'],
      'with the native engine; the dgram engine leaves it to the system, which sets it',
    ),
    must(
      '14',
      'Fragments are put together before they are relayed; IP options and extension headers are not carried.',
      [
        'conformance/channels > ChannelData > carries any payload unchanged, both ways, with',
        'conformance/dont-fragment > DONT-FRAGMENT > on a path with a narrow middle',
      ],
    ),
    open(
      'SHOULD',
      '13.1',
      'The flow label of relayed IPv6 packets is set as the RFC prefers.',
      'the alternate behaviour: what the system sets',
    ),
    should('15', 'Data of clients over TCP and TLS leaves with the system’s defaults, and DF where it is asked for.', [
      'conformance/dont-fragment > DONT-FRAGMENT > sets DF in what it is said of, and in nothing else',
    ]),
    must('16', 'What is too long for a datagram is lost alone.', [
      'conformance/channels > ChannelData > too long for a datagram is lost alone; one that just fits arrives',
      'turn/relay-lengths',
    ]),
    should(
      '16',
      'A client over a stream that does not read loses whole frames, and finds frames when it reads again.',
      [
        'net/stream/stalled-clients > a client over TCP that does not read > loses whole frames, costs bounded memory, and finds frames when it reads again',
        'abuse/stalled-readers',
      ],
    ),

    must('13.2', 'Between IPv6 and IPv6, payloads of every size go both ways.', [
      'conformance/data > Send and Data indications > carry any payload unchanged, both ways, with ::1',
      'conformance/channels > ChannelData > carries any payload unchanged, both ways, with ::1',
    ]),
    must(
      '8.1',
      'Our client refreshes what it has, permissions and channels too, and notices when the server takes it back.',
      [
        'client/turn-client > a client > has another channel for each peer, at once too, and refreshes what it has',
        'client/turn-client > a probe > keeps an allocation of a short life, and says it when the server takes it back',
      ],
    ),

    // Attributes (§17, §18).
    must('17', 'Methods and classes are those of §17.', [
      'stun/message > decodeMessage, header',
      'stun/constants > IANA STUN parameters > methods are the registry’s',
    ]),
    must('18.1', 'The reserved half of CHANNEL-NUMBER is ignored.', [
      'conformance/channels > ChannelBind > ignores the reserved half of CHANNEL-NUMBER',
    ]),
    must('18.10', 'A token has 8 bytes that cannot be foretold.', [
      'turn/reservations > Reservations > gives each reservation an unpredictable token of 8 bytes',
    ]),
    must('18.12', 'ADDRESS-ERROR-CODE has family, class, number and reason.', [
      'stun/writer > MessageWriter, values > writes ADDRESS-ERROR-CODE',
    ]),
    must('18.13', 'ICMP has type, code and error data: the MTU of the next hop, or zeros.', [
      'stun/writer > MessageWriter, values > writes ICMP with 7 bits of type and 9 of code',
      'turn/peer-icmp > an ICMP error for a relayed datagram > brings the MTU of the next hop where there is one, and zeros otherwise',
    ]),

    // Security (§21).
    must('21', 'Teredo and 6to4 addresses are never peers, whatever the rules; nor are addresses that no rule opens.', [
      'turn/peer-policy > authorizePeer with everything allowed > still forbids what no rule opens',
      'turn/peer-policy > authorizePeer without rules > forbids IPv6 that is never a peer',
      'conformance/peer-policy > rules > open no address that must stay closed',
    ]),
    must(
      '21.1.3',
      'Nobody refreshes or permits for another: requests have the key of the user and a nonce of the address.',
      [
        'conformance/authentication > another user on the same allocation gets 441',
        'turn/respond > 438 Stale Nonce > answers a nonce that was given to another address or port (hijacking)',
      ],
    ),
    must(
      '21.1.7',
      'There is no loop: a relay’s data goes to its client, and a client behind a relay of the server does not exist.',
      [
        'conformance/peer-policy > two relays that are each other’s peer carry a packet once: no loop',
        'conformance/peer-policy > the sockets of the server itself > an Allocate through one’s own relay gets nothing: no nested allocations',
        'turn/hairpin > a relay loop: A’s peer is B’s relay and B’s is A’s (security.md)',
        'turn/hairpin > a client behind a relay of this server does not exist (security.md)',
      ],
    ),
    must('21.2.2', 'The operator says which peers are allowed and which are not.', [
      'conformance/peer-policy > rules',
      'turn/peer-policy > rules',
      'config/peer-rule',
    ]),
    ours('21.2.3', 'The server’s own sockets, admin included, are no peers.', [
      'conformance/peer-policy > the sockets of the server itself',
      'turn/peer-policy-wildcard > a port of a wildcard socket',
    ]),
    should(
      '21.3.1',
      'One user cannot use up the server: quotas of allocations and of bandwidth.',
      [
        'conformance/bandwidth > bandwidth',
        'conformance/limits > limits > the quota of a user is 486, and touches nobody else',
        'turn/bandwidth',
      ],
      'off by default: one static user often serves everybody',
    ),
    must('21.3.2', 'Who relayed what can be told: the log names user, client and relay.', [
      'conformance/allocate > Allocate > is reported with user, client and relay',
      'conformance/peer-policy > forbidden peers > the refusal says who wanted to reach whom',
    ]),
    ours('21.4', 'Real clients lose nothing: coturn’s client over every transport, Chromium’s calls.', [
      'interop/coturn-client',
      'interop/coturn-streams',
      'interop/chromium',
      'interop/matrix',
    ]),
  ],
  'RFC 5766 and 6156, which it obsoletes, are served with it: `--channel-range rfc5766` for channels above 0x4FFF.',
)
