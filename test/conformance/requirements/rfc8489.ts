// RFC 8489: STUN, and the long-term credential mechanism.
import { redirection } from './redirection.js'
import { may, must, open, ours, type RequirementList, rfc, should } from './requirement.js'

export const rfc8489: RequirementList = rfc(8489, 'STUN and long-term credentials', [
  // The message (§5, §14).
  must('5', 'What is not STUN is dropped in silence: first two bits, magic cookie, 20 bytes at least.', [
    'conformance/binding > what gets no answer > what is no STUN message',
    'stun/message > decodeMessage, header',
    'turn/core > what is dropped silently, and counted',
  ]),
  must('5', 'A length that is no multiple of 4, or not that of the datagram, is malformed and dropped.', [
    'conformance/binding > what gets no answer > a message whose length is not what it says',
    'stun/message > decodeMessage, header > refuses a length that is not a multiple of 4',
    'stun/message > decodeMessage, header > refuses a length that is 4 more or 4 less than what arrived',
  ]),
  ours('5', 'Over a stream such a length closes the connection, and nothing behind it is taken for a message.', [
    'stun/framing > FrameAssembler > hands on the frames before a malformed one, and nothing after it',
    'stun/framing > FrameAssembler > never takes the inside of a refused frame for a request',
    'net/stream/client-frames > a connection is closed > by a length that is no multiple of 4',
    'net/stream/client-frames > a connection is closed > by length 0xFFFC with an embedded Binding request',
  ]),
  ours('5', 'A frame longer than the maximum closes the connection: 2,048 bytes before an allocation, 65,535 after.', [
    'net/stream/client-frames > a connection is closed > by a frame of more than 2,048 bytes before it has an allocation',
    'net/stream/client-frames > a connection is closed > by nothing of the kind once it has one',
    'stun/framing > frameLength > refuses what is longer than the maximum, padding not counted, accepts the maximum',
  ]),
  must('5', 'Class and method are cut out of the 14 bits of the type as figure 3 has them.', [
    'stun/message > decodeMessage, header > splits each of the 16,384 message types into class and method',
    'stun/writer > MessageWriter, header > writes every class and method so that they are read back',
  ]),
  must('5', 'An answer has the transaction id and the method of its request.', [
    'turn/respond > answers to a client that uses sha1 > each answer has the transaction id and method of its request',
    'turn/respond > answers to a client that uses sha256 > each answer has the transaction id and method of its request',
  ]),
  must('14', 'Attributes are padded to 4 bytes; the padding is not in their length, and zero when it is sent.', [
    'stun/message > decodeMessage, attributes > gives types, absolute starts and lengths without padding',
    'stun/writer > MessageWriter, values > pads with zeros, and does not count padding in the length',
  ]),
  must('14', 'An attribute that runs past the end makes the message malformed.', [
    'conformance/binding > what gets no answer > an attribute that runs past the end',
    'stun/message > decodeMessage, attributes > refuses an attribute whose value or padding runs past the end',
  ]),
  must('14', 'Of an attribute that is there twice the first one counts.', [
    'conformance/authentication > a request with integrity > counts the first of duplicated attributes',
    'conformance/data > Send and Data indications > Send of the first of duplicated attributes',
    'turn/core > of a duplicated attribute the first counts',
    'auth/authenticator > of a duplicated attribute the first counts',
    'stun/message > MessageView, finding > finds the first of a duplicated attribute',
  ]),
  must('14', 'Types below 0x8000 must be understood, those from there on may be ignored.', [
    'conformance/binding > Binding > ignores attributes that it may ignore',
    'stun/constants > comprehension > is required below 0x8000 and optional from there',
  ]),

  // Sending (§6.2).
  must('6.2.1', 'A retransmitted request gets the same answer, and is done once.', [
    'conformance/allocate > Allocate > of the same transaction again gets the same answer, token included',
    'conformance/allocate > Allocate > sent many times at once is one allocation with one relay',
    'turn/allocate > a retransmitted Allocate',
  ]),
  should(
    '6.2.1',
    'Our client sends a request again over UDP with doubling pauses, and not over TCP.',
    ['client/turn-client > a client > asks again over UDP, and not over TCP (RFC 8489 §6.2)'],
    'it gives up sooner than 39.5 s: turnd probe measures, and somebody waits for it',
  ),
  must('6.2.2', 'Over a stream a message ends where its length says: several may come together, or one in pieces.', [
    'net/stream/client-frames > a client over TCP > may send one byte at a time, or many frames in one segment',
    'stun/framing > FrameAssembler > hands on the same frames whatever the chunks are',
  ]),
  should('6.2.2', 'The server leaves a connection to its client to close while it is used; a silent one is closed.', [
    'net/stream/deadlines > a connection is closed > never while it has an allocation, and 30 s after that has gone',
    'net/stream/deadlines > a connection is closed > 30 s after its last whole frame, without an allocation',
  ]),
  should('6.2.2', 'When the client has said its end, what it asked before is answered.', [
    'net/stream/client-frames > a connection is closed > by the client’s FIN: it is answered, and the core is told once',
  ]),
  must('6.2.3', 'TLS and DTLS are of version 1.2 at least; older ones are turned away.', [
    'interop/openssl > openssl s_client > over TLS 1.1 is turned away',
    'interop/openssl > openssl s_client > over DTLS 1.0 is turned away',
    'net/stream/tls-clients > a client over TLS > of TLS 1.1 is refused',
  ]),
  must(
    '6.2.3',
    'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 are there, over TLS and DTLS.',
    [
      'net/stream/tls-clients > a client over TLS > may choose the ciphers of RFC 8489 §6.2.3',
      'net/dtls/peers > openssl over DTLS > may ask for small datagrams, for the ciphers of RFC 8489 §6.2.3',
    ],
  ),
  must('6.2.3', 'Our client verifies the certificate of a server and its name.', [
    'client/pure > what is wrong with a certificate is told, each by itself',
    'interop/probe > turnd probe > names a port where nobody is, a certificate that nobody knows, and a port without TLS',
  ]),

  // Receiving (§6.3).
  must('6.3', 'A method that is not known, or a class that the method lacks, is dropped in silence.', [
    'conformance/binding > what gets no answer > a method that does not exist',
    'conformance/binding > what gets no answer > a class that the method does not have',
    'turn/core > what is dropped silently, and counted',
  ]),
  must('6.3', 'Answers that nobody waits for are dropped.', [
    'conformance/binding > what gets no answer > answers, of whatever method',
  ]),
  must(
    '6.3.1',
    'Unknown comprehension-required attributes of a request get 420, with all of them in UNKNOWN-ATTRIBUTES.',
    [
      'conformance/binding > Binding > refuses unknown required attributes with 420 and lists each once',
      'conformance/authentication > a request with integrity > with unknown required attributes gets 420 once it is authentic',
      'turn/core > 420',
    ],
  ),
  must('6.3.1', 'The long-term mechanism is applied before anything else is said of a request.', [
    'conformance/authentication > the challenge > comes before anything else is said of the request',
    'turn/core > 420 > comes after the credentials: strangers get 401',
  ]),
  must('6.3.1.1', 'An error answer carries ERROR-CODE; for 420 UNKNOWN-ATTRIBUTES, for 401 and 438 REALM and NONCE.', [
    'conformance/authentication > the challenge',
    'conformance/binding > Binding > refuses unknown required attributes with 420 and lists each once',
    'stun/writer > MessageWriter, values > writes ERROR-CODE with and without a reason',
  ]),
  must('6.3.1.1', 'A Binding success carries XOR-MAPPED-ADDRESS: the source of the request.', [
    'conformance/binding > Binding > tells the client its transport address in 32 bytes, without authentication',
    'conformance/binding > Binding > tells an IPv6 client its address in 44 bytes',
  ]),
  open(
    'SHOULD',
    '6.3.1.1',
    'Answers carry SOFTWARE.',
    'not done, on purpose: nobody needs the version of a server but who looks for a hole in it (§14.14 warns of that)',
  ),
  must(
    '6.3.1.2',
    'The answer leaves from the address and port that were asked, also where the listener is a wildcard.',
    ['conformance/wildcard > a wildcard listener'],
  ),
  must('6.3.2', 'An indication is never answered, whatever is wrong with it.', [
    'conformance/binding > what gets no answer > a Binding indication',
    'conformance/data > Send and Data indications > Send with an unknown required attribute is silent',
    'turn/binding > Binding > indications are heard and not answered',
  ]),
  must('6.3.3', 'Our client takes answers to what it asked, and no others.', [
    'client/turn-client > a hostile server > is not heard where it answers what was not asked',
    'client/turn-client > a hostile server > that answers without what an answer has is named',
  ]),
  must('6.3.4', 'Our client has an error for each refusal, with what the server says.', [
    'client/turn-client > a client > has an error for each refusal, with what the server says',
  ]),

  // FINGERPRINT (§7, §14.7).
  must('7', 'A message with a wrong FINGERPRINT is dropped.', [
    'conformance/binding > what gets no answer > a message with a wrong FINGERPRINT',
    'turn/core > what is dropped silently, and counted > a wrong FINGERPRINT; the right one is answered',
  ]),
  should('7', 'Answers carry FINGERPRINT if the request did, and otherwise not.', [
    'conformance/binding > Binding > answers with FINGERPRINT whoever sends one, and nobody else',
    'turn/respond > answers to a client that uses sha1 and FINGERPRINT',
  ]),
  must('14.7', 'FINGERPRINT is the CRC-32 of what stands before it, xor 0x5354554E, and the last attribute.', [
    'stun/integrity > fingerprint > is the CRC-32 of the message so far, xor 0x5354554E, unsigned',
    'stun/message > decodeMessage, integrity and fingerprint > refuses anything after FINGERPRINT',
    'stun/message > decodeMessage, integrity and fingerprint > FINGERPRINT has 4 bytes',
  ]),

  // Credentials (§9).
  open(
    'MAY',
    '9.1',
    'The short-term mechanism.',
    'not done: TURN uses the long-term one (RFC 8656 §5), and Binding needs neither',
  ),
  must(
    '9.2',
    'A nonce begins with obMatJos2 and 24 feature bits, bit 0 first, where there is a feature; zeros otherwise.',
    [
      'auth/nonce > a nonce > starts with the cookie and the bits, most significant first',
      'auth/password-algorithms > what is offered is what every store verifies',
      'stun/constants > IANA STUN parameters > security features are the registry’s bits',
    ],
  ),
  ours('9.2', 'Nonces are stateless: nothing is kept for who has not authenticated.', [
    'turn/other-servers > keeps nothing of unauthenticated requests',
    'auth/nonce > a nonce > is bound to secret, realm and feature bits',
    'auth/nonce > a nonce > is 28 characters, for every client and time',
  ]),
  must('9.2', 'A nonce is bound to the client: no two source addresses or ports share one.', [
    'auth/nonce > a nonce > is bound to the IP address and the port',
    'conformance/authentication > a request with integrity > with a nonce that is not valid gets 438 and one that is',
  ]),
  ours('9.2', 'A nonce holds for 600 s; one whose time lies ahead of now is stale.', [
    'auth/nonce > a nonce > is valid for 600 s and not for 601',
    'auth/nonce > a nonce > is not valid before its time: a time ahead of now is stale',
  ]),
  must('9.2.1', 'The offer of PASSWORD-ALGORITHMS goes with the bit of the nonce cookie.', [
    'auth/password-algorithms > what is offered is what every store verifies',
    'auth/authenticator > the challenge > has REALM, a nonce of 28 characters, and PASSWORD-ALGORITHMS',
  ]),
  ours('9.2.1', 'What is offered every store can verify for every user; MD5 alone, or no USERHASH, if one cannot.', [
    'auth/password-algorithms > what is offered is what every store verifies',
    'auth/credentials > CredentialStores > verifies only what every store verifies',
    'auth/users-file-store > loading > SHA-256 is verified only if every user of the realm has that key',
    'auth/rest-secrets > TURN REST names > cannot be found by userhash, so anonymity is not offered',
    'turn/credential-lookups > a user whom only an outside store may know > is offered MD5 alone',
  ]),
  ours('9.2.1', 'The offer follows a reload: old nonces are stale then, and the new one is told.', [
    'auth/password-algorithms > a reload that brings in users without SHA-256 keys',
  ]),
  must('9.2.2', 'Keys are MD5 and SHA-256 of name, realm and password in their prepared forms.', [
    'auth/credentials > keys',
    'auth/opaque-string > opaqueString',
  ]),
  ours('9.2.2', 'The users file keeps the MD5 key, the SHA-256 key and the userhash of a user, and no password.', [
    'auth/users-file > makeUsersFileLine > holds the keys, and not the password',
    'auth/users-file > a good line > is a JSON object with both keys',
    'auth/users-file > a good line > may carry the right userhash',
  ]),
  must(
    '9.2.4',
    'A request without integrity gets 401 with REALM, NONCE and PASSWORD-ALGORITHMS, and no name.',
    ['conformance/authentication > the challenge', 'auth/authenticator > step 1: no integrity'],
    'PASSWORD-ALGORITHMS is absent where MD5 is all that is offered: that is what a client of RFC 5389 sees, and the bit is not set',
  ),
  ours('9.2.4', 'The 401 has at most 98 bytes with a realm of 8.', [
    'conformance/discretion > discretion',
    'auth/authenticator > the challenge > is at most 98 bytes with a realm of 8',
    'conformance/variants > who is refused gets no more bytes for it than security.md allows',
  ]),
  must('9.2.4', 'Integrity without USERNAME or USERHASH, REALM or NONCE gets 400, without a challenge.', [
    'conformance/authentication > a request with integrity > without USERNAME, REALM or NONCE is answered with 400 and no challenge',
    'auth/authenticator > step 2: an attribute is missing',
  ]),
  must('9.2.4', 'Neither PASSWORD-ALGORITHM nor PASSWORD-ALGORITHMS means MD5.', [
    'conformance/variants > every variant of the long-term mechanism > all',
  ]),
  must(
    '9.2.4',
    'Otherwise both are there, the list as it was sent and the choice in it, or 400: bid-down protection.',
    [
      'conformance/credentials > password algorithms and anonymity > one attribute without the other, or a list that was changed, is a bid-down: 400',
      'conformance/variants > an offer that was tampered with is refused with 400',
      'auth/password-algorithms > bid-down protection',
    ],
  ),
  must('9.2.4', 'That is judged after the missing attributes and before the user is looked up.', [
    'conformance/credentials > password algorithms and anonymity > an algorithm that was not offered gets 400, before the user is looked up',
  ]),
  must(
    '9.2.4',
    'An unknown user and a wrong MAC get 401 with a challenge: the same bytes and the same work for both.',
    [
      'conformance/authentication > a request with integrity > of an unknown user and with a wrong password get the same 401',
      'auth/indistinguishable',
      'turn/respond > before authentication > an unknown user and a wrong password get the same bytes',
    ],
  ),
  must('9.2.4', 'The user is judged before the nonce: a stranger learns nothing of it.', [
    'conformance/authentication > a request with integrity > of an unknown user is refused for that, whatever its nonce',
    'turn/respond > 438 Stale Nonce > is not told to those without the password: they get 401',
  ]),
  must('9.2.4', 'A nonce that is not valid gets 438 with a fresh one.', [
    'conformance/authentication > a request with integrity > with a nonce that is not valid gets 438 and one that is',
    'turn/respond > 438 Stale Nonce',
    'conformance/variants > every variant of the long-term mechanism > with a nonce that is not valid: 438',
  ]),
  must(
    '9.2.4',
    'Success and later errors carry integrity of the kind that the client used, with its key.',
    [
      'conformance/credentials > integrity > success and error answers carry the variant that the client used',
      'conformance/variants > every variant of the long-term mechanism > an error of what the request asks is answered in kind too',
      'turn/respond > answers to a client that uses sha256',
    ],
    'the RFC has it follow PASSWORD-ALGORITHM: libraries exist that name one and sign with the other, and who follows the RFC gets what it says',
  ),
  must('9.2.4', 'USERHASH stands for USERNAME; an unknown one is like an unknown user.', [
    'conformance/credentials > password algorithms and anonymity > USERHASH stands for USERNAME; an unknown one is like an unknown user',
    'auth/authenticator > accepts',
  ]),
  must(
    '9.2.4',
    'With both integrity attributes MESSAGE-INTEGRITY-SHA256 decides.',
    [
      'conformance/credentials > integrity > of two attributes the stronger one decides',
      'conformance/variants > a key or a MAC of the weaker kind does not stand for the stronger one',
      'auth/authenticator > with both integrity attributes the SHA-256 one counts',
    ],
    'whoever is on the way can cut the stronger one off (§16.1.3): what is left is the weaker one, of the same key',
  ),
  must('9.2.5', 'Our client answers a 401 once, and a 438 with the new nonce, but not for ever.', [
    'client/turn-client > a client > answers a 401 with credentials',
    'client/turn-client > a client > takes a newer nonce, but not for ever',
  ]),
  must(
    '9.2.5',
    'Our client gives nothing to whoever changes offer, bits, cookie, choice or integrity on the way.',
    [
      'client/bid-down',
      'client/turn-client > a client > uses SHA-256 where it is offered, and refuses an offer that was cut out',
    ],
    'its name goes in the clear, though USERHASH is offered: whoever measures wants to be found in the log',
  ),
  must(
    '9.2.5',
    'Our client believes no success that was not made with the key.',
    ['client/turn-client > a hostile server > is not believed what was not made with the key'],
    'it takes errors without integrity, but for 300: turnd probe could not say what a server objects to',
  ),

  ...redirection,

  must('11', 'A request without the magic cookie is of RFC 3489, and gets nothing unless --rfc3489 is given.', [
    'conformance/binding > what gets no answer > a request of RFC 3489, which has no magic cookie',
    'turn/core > what is dropped silently, and counted > another magic cookie',
  ]),
  must('12', 'Binding is answered without credentials, over UDP, TCP, TLS and DTLS.', [
    'conformance/binding > Binding > tells the client its transport address in 32 bytes, without authentication',
    'turn/binding > Binding > needs no right credential, and answers without integrity',
  ]),
  ours('12', 'A Binding answer has 32 bytes over IPv4, and leaves no trace in the server.', [
    'conformance/binding > Binding > tells the client its transport address in 32 bytes, without authentication',
    'turn/binding > Binding > leaves no trace in the core',
  ]),

  // Attributes (§14).
  must('14.1', 'MAPPED-ADDRESS is read, whatever its first byte, and not sent to clients of RFC 5389 and later.', [
    'stun/message > MessageView, addresses > reads MAPPED-ADDRESS, whatever its first byte',
    'conformance/discretion > discretion > no answer and no indication carries SOFTWARE, or the addresses of RFC 3489 and 5780',
  ]),
  must('14.2', 'XOR-MAPPED-ADDRESS is made with the cookie, and for IPv6 with the transaction id behind it.', [
    'stun/message > MessageView, addresses > reads XOR-MAPPED-ADDRESS with cookie and transaction id',
    'stun/writer > MessageWriter, values > writes MAPPED-ADDRESS and XOR-MAPPED-ADDRESS',
  ]),
  must(
    '14.3',
    'USERNAME is UTF-8 of up to 508 bytes, prepared as OpaqueString.',
    ['auth/authenticator > impossible values', 'conformance/credentials > names and passwords'],
    '§14.3 wants up to 763 bytes parsed: one of 509 or more gets 400, since nobody can have such a name',
  ),
  must('14.4', 'USERHASH is SHA-256 of name and realm, 32 bytes.', [
    'auth/credentials > keys > userhash is that of RFC 8489 B.1',
    'auth/authenticator > impossible values',
  ]),
  must('14.5', 'MESSAGE-INTEGRITY is HMAC-SHA1 up to itself, with a length that ends there; it has 20 bytes.', [
    'stun/integrity > messageIntegrity > is the HMAC-SHA1 with a length that ends at the attribute',
    'stun/message > decodeMessage, integrity and fingerprint > MESSAGE-INTEGRITY has 20 bytes',
    'stun/damaged > one changed byte',
  ]),
  must('14.5', 'What stands behind MESSAGE-INTEGRITY is ignored, but for MESSAGE-INTEGRITY-SHA256 and FINGERPRINT.', [
    'conformance/authentication > a request with integrity > ignores what an attacker adds behind MESSAGE-INTEGRITY',
    'stun/message > decodeMessage, integrity and fingerprint > ignores other attributes after MESSAGE-INTEGRITY (RFC 8489 §14.5)',
  ]),
  must('14.6', 'MESSAGE-INTEGRITY-SHA256 is HMAC-SHA256, and behind it FINGERPRINT alone counts.', [
    'stun/integrity > messageIntegrity > is the HMAC-SHA256 with a length that ends at the attribute',
    'stun/message > decodeMessage, integrity and fingerprint > ignores all but FINGERPRINT after MESSAGE-INTEGRITY-SHA256',
  ]),
  may(
    '14.6',
    'It may be cut to 16 bytes, in steps of 4; the length is a part of what it covers.',
    [
      'conformance/credentials > integrity > MESSAGE-INTEGRITY-SHA256 may be cut to 16 bytes, in steps of 4',
      'conformance/variants > a MAC is of its own length: one that was cut on the way is wrong',
      'stun/message > decodeMessage, integrity and fingerprint > MESSAGE-INTEGRITY-SHA256 has 16 to 32 bytes, a multiple of 4',
    ],
    'RFC 8656 does not say that TURN allows it; what is cut is the choice of the client, and nobody else can',
  ),
  must('14.8', 'ERROR-CODE has class and number, and the reserved bits are ignored.', [
    'stun/message > MessageView, error codes',
    'stun/writer > MessageWriter, values > writes ERROR-CODE with and without a reason',
  ]),
  may('14.8', 'The reason phrase is the registered one, and empty for strangers.', [
    'stun/constants > IANA STUN parameters > every error code has its registered name as its reason phrase',
    'conformance/discretion > discretion > strangers get codes without words, clients with',
  ]),
  must(
    '14.9',
    'REALM is prepared as OpaqueString, in any script, without quotes and backslashes, below 128 characters.',
    [
      'auth/authenticator > the challenge > takes a realm that is not ASCII',
      'auth/authenticator > the challenge > is refused at start for a realm that is no OpaqueString',
      'config/value-type',
    ],
  ),
  must('14.10', 'NONCE is quoted text below 128 characters: 28 of base64.', [
    'auth/nonce > a nonce > is 28 characters, for every client and time',
  ]),
  must('14.11', 'PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM have the registered algorithms, without parameters.', [
    'stun/writer > MessageWriter, values > writes PASSWORD-ALGORITHMS without parameters',
    'stun/constants > IANA STUN parameters > password algorithms are the registry’s',
  ]),
  must('14.13', 'UNKNOWN-ATTRIBUTES is a list of 16-bit types, padded.', [
    'stun/writer > MessageWriter, values > writes UNKNOWN-ATTRIBUTES of an odd and an even number of types',
  ]),
  ours('14.14', 'SOFTWARE is in no answer and no indication.', [
    'conformance/discretion > discretion > no answer and no indication carries SOFTWARE, or the addresses of RFC 3489 and 5780',
  ]),

  // Security and registries (§16, §18), vectors (B.1).
  must('16.1.2', 'A server is no amplifier: unauthenticated answers are short, and limited for each source.', [
    'conformance/strangers > a flood of requests without credentials',
    'turn/answer-limits > the reply limiter',
    'abuse/amplification',
  ]),
  ours('16.1.2', 'Wrong credentials go unanswered past a budget; right ones are served all the same.', [
    'conformance/strangers > wrong credentials',
    'turn/answer-limits > the failure budget',
  ]),
  must('18.6', 'The ports are 3478, and 5349 over TLS and DTLS, unless the operator says otherwise.', [
    'config/listen-spec > --listen > takes every short and bracketed form',
  ]),
  must(
    '18',
    'Methods, attributes, error codes, algorithms and bits are those of the registries, neither more nor fewer.',
    ['stun/constants > IANA STUN parameters'],
  ),
  must(
    'B.1',
    'The sample request with USERHASH and MESSAGE-INTEGRITY-SHA256 is read, verified and written byte for byte.',
    [
      'stun/vectors > sample messages decode > B.1: request with USERHASH and MESSAGE-INTEGRITY-SHA256',
      'stun/vectors > sample messages encode byte for byte > B.1',
      'auth/credentials > keys > verify the request of RFC 8489 B.1',
    ],
    'with the length of erratum 6268, 0x0090',
  ),
])
