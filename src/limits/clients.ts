// Bounds of our own client of TURN servers, and of what `turnd probe` sends: servers may mean it no good, and it must not be turned against one.

// Requests (RFC 8489 §6.2)

/** The first wait for an answer over UDP and DTLS; each wait is twice the last (RFC 8489 §6.2.1). */
export const CLIENT_RETRANSMIT_MILLISECONDS = 500
/** Transmissions of one request over UDP and DTLS: Rc of RFC 8489 §6.2.1. */
export const CLIENT_TRANSMISSION_COUNT_MAX = 7
/** For an answer, unless the caller is less patient: Ti of RFC 8489 §6.2.2, and what the waits over UDP come to. */
export const CLIENT_ANSWER_MILLISECONDS_MAX = 39_500
/** Requests of one client that wait for an answer. */
export const CLIENT_PENDING_COUNT_MAX = 64
/** A request: the longest user name, realm and nonce fit with room to spare; those that are sent have some hundred. */
export const CLIENT_REQUEST_LENGTH_MAX = 4_096
/** Answers with a challenge to one request: a nonce may be stale once, and servers that go on so have no end. */
export const CLIENT_CHALLENGE_COUNT_MAX = 3
/** A realm, or a nonce, that is sent back: RFC 8489 §14.9 wants fewer than 128 characters, of up to six bytes. */
export const CLIENT_REALM_LENGTH_MAX = 763
/** The same (RFC 8489 §14.10). */
export const CLIENT_NONCE_LENGTH_MAX = 763
/** A list of password algorithms that is sent back: it has two today, of four bytes each (RFC 8489 §18.5). */
export const CLIENT_ALGORITHMS_LENGTH_MAX = 256
/** Of a server's text (SOFTWARE, a reason phrase) that is kept. */
export const CLIENT_TEXT_LENGTH_MAX = 128
/** For the Refresh that gives an allocation back before the client closes, and then for what a connection has still to write. */
export const CLIENT_CLOSE_MILLISECONDS_MAX = 1_000

// Transports

/** For a name, a connection and a handshake, unless the caller is less patient. */
export const CLIENT_OPEN_MILLISECONDS_MAX = 10_000
/** What waits in a connection to be written: more is dropped, as UDP would. */
export const CLIENT_BACKLOG_BYTES_MAX = 1_048_576
/** What the kernel keeps of UDP until it is read: a burst of relayed data, at most. */
export const CLIENT_RECEIVE_BUFFER_BYTES = 1_048_576
/** Between two looks whether a flight of a DTLS handshake is to be sent again: OpenSSL waits for a second at first. */
export const CLIENT_DTLS_LOOK_MILLISECONDS = 100
/** What goes between OpenSSL and a DTLS client at once: more than a datagram, a record, or any flight. */
export const CLIENT_DTLS_MEMORY_BYTES = 65_536
/** Of an HTTP answer, whose Date is looked for. */
export const CLIENT_HTTP_HEAD_LENGTH_MAX = 16_384
/** Of a certificate that is for another name, how many names are told. */
export const CLIENT_NAMES_SHOWN_COUNT_MAX = 5
/** Addresses of a name that are looked at. */
export const CLIENT_ADDRESS_COUNT_MAX = 16
/** Channels and permissions of one client: it needs one or two. */
export const CLIENT_CHANNEL_COUNT_MAX = 64

// Servers found in the DNS (RFC 5928, RFC 8155): whoever owns a zone decides how many records lead where

/** Queries of one walk: a NAPTR record, and SRV, A and AAAA of some servers for each of the four transports, several times over. */
export const DISCOVERY_QUERY_COUNT_MAX = 64
/** Questions that go unanswered before a DNS server counts as silent: a middlebox that drops one type does not drop all. */
export const DISCOVERY_SILENCE_COUNT_MAX = 3
/** Records of one answer that are looked at. */
export const DISCOVERY_RECORD_COUNT_MAX = 32
/** NAPTR records of which each leads to the next: RFC 3958 §3.2 wants few. */
export const DISCOVERY_NAPTR_COUNT_MAX = 5
/** Transport addresses that a walk ends with: a client would try no more. */
export const DISCOVERY_CANDIDATE_COUNT_MAX = 64
/** For the first answer of a DNS server; c-ares doubles it for each try. */
export const DISCOVERY_ANSWER_MILLISECONDS = 1_500
/** Tries of one query at each DNS server. */
export const DISCOVERY_TRY_COUNT = 2
/** For a whole walk, unless --timeout says otherwise. */
export const DISCOVERY_SECONDS_DEFAULT = 20
/** The most that --timeout takes. */
export const DISCOVERY_SECONDS_MAX = 120
/** Seconds; the most that RFC 2181 §8 lets a record be kept. */
export const DNS_TTL_SECONDS_MAX = 2_147_483_647
/** Seconds, of the records that are printed, unless --ttl says otherwise: an address that changes is known after an hour. */
export const DNS_TTL_SECONDS_DEFAULT = 3_600

// turnd probe: what it sends to a server that has granted an allocation to it

/** Servers and transports of one run. */
export const PROBE_TARGET_COUNT_MAX = 32
/** For each answer, connection and handshake, unless --timeout says otherwise. */
export const PROBE_ANSWER_SECONDS_DEFAULT = 5
/** The most that --timeout takes. */
export const PROBE_ANSWER_SECONDS_MAX = 60
/** Packets whose round trip is measured, unless --count says otherwise. */
export const PROBE_ROUND_TRIP_COUNT_DEFAULT = 200
/** The most that --count takes. */
export const PROBE_ROUND_TRIP_COUNT_MAX = 2_000
/** Between two of them: a call's rate. */
export const PROBE_ROUND_TRIP_INTERVAL_MILLISECONDS = 10
/** Bytes of a packet's payload, unless --size says otherwise. */
export const PROBE_PAYLOAD_LENGTH_DEFAULT = 1_000
/** The least: what tells packets apart. */
export const PROBE_PAYLOAD_LENGTH_MIN = 16
/** The most: with the headers of TURN, DTLS and IPv6 it is not fragmented. */
export const PROBE_PAYLOAD_LENGTH_MAX = 1_300
/** Bits of payload, unless --rate says otherwise: a video call. */
export const PROBE_BITS_PER_SECOND_DEFAULT = 2_000_000
/** The most that --rate takes: it shows that a relay carries a call, and is no weapon. */
export const PROBE_BITS_PER_SECOND_MAX = 20_000_000
/** Of all that is sent, whatever rate and size are: small packets are many. */
export const PROBE_PACKETS_PER_SECOND_MAX = 3_000
/** For how long throughput is measured, unless --seconds says otherwise. */
export const PROBE_SECONDS_DEFAULT = 3
/** The most that --seconds takes. */
export const PROBE_SECONDS_MAX = 60
/** Between two refreshes of an allocation that is measured: they come at half of its lifetime, whatever a server makes that. */
export const PROBE_REFRESH_MILLISECONDS_MIN = 1_000
/** and no more, since the lifetime is the server's to say. */
export const PROBE_REFRESH_MILLISECONDS_MAX = 60_000
/** Between two looks at what is to be sent. */
export const PROBE_TICK_MILLISECONDS = 5
/** Packets of one look: who was held up does not make up for it in a burst. */
export const PROBE_BURST_COUNT_MAX = 64
/** For packets that are on their way when the last one has been sent. */
export const PROBE_STRAGGLER_MILLISECONDS = 1_000
/** For the first packet through a relay. */
export const PROBE_PATH_MILLISECONDS_MAX = 1_500
/** Between two of those that ask whether a path works. */
export const PROBE_PATH_INTERVAL_MILLISECONDS = 150
