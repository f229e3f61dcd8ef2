// RFC 7350: DTLS as a transport.
import { must, ours, type RequirementList, rfc, should } from './requirement.js'

export const rfc7350: RequirementList = rfc(
  7350,
  'DTLS as a transport',
  [
    must('3', 'STUN and TURN are spoken over DTLS as over UDP: a record is a message.', [
      'net/dtls/sessions > a session of DTLS > carries requests, indications and channels both ways',
      'conformance/data > Send and Data indications',
      'conformance/channels > ChannelData',
    ]),
    must('4.6', 'An allocation over DTLS is a UDP relay like others; TCP relays are refused with 400.', [
      'turn/tcp-allocate > Allocate of a TCP relay > is refused with 400 over UDP and DTLS',
      'interop/coturn-streams',
    ]),
    must('3', 'DTLS 1.2 is there, and older versions are turned away.', [
      'interop/openssl > openssl s_client > over DTLS 1.2 verifies the certificate, gets stun.turn',
      'interop/openssl > openssl s_client > over DTLS 1.0 is turned away',
    ]),
    ours('3', 'A cookie comes before any state, and is shorter than what asked for it.', [
      'net/dtls/handshake > the handshake of DTLS > answers a first ClientHello with a shorter HelloVerifyRequest, and keeps nothing',
      'net/dtls/handshake > the handshake of DTLS > takes nothing from 10,000 ClientHellos without a cookie',
      'net/dtls/client-hello > a cookie',
    ]),
    must('3', 'Lost flights are sent again, and handshakes work in fragments.', [
      'net/dtls/handshake > the handshake of DTLS > sends a lost flight again',
      'net/dtls/handshake > the handshake of DTLS > works in fragments, a ClientHello of several datagrams included',
    ]),
    must('3', 'A forged, repeated or broken record does a session no harm.', [
      'net/dtls/sessions > a session of DTLS > outlives forged, repeated and broken records',
      'net/dtls/broken-handshakes',
    ]),
    must('3', 'The end of a session, by close_notify or silence, ends its allocation; an allocation keeps it.', [
      'net/dtls/sessions > a session of DTLS > ends with close_notify of either side, and its allocation with it',
      'net/dtls/sessions > a session of DTLS > ends 30 seconds after the last record without an allocation, and not with one',
    ]),
    must(
      '3',
      'A new handshake from the same address replaces a session when it is done, not before (RFC 6347 §4.2.8).',
      [
        'net/dtls/sessions > a session of DTLS > is not touched by ClientHellos of others, and is replaced by its own client when that is done',
        'net/dtls/sessions > a session of DTLS > stays if a new handshake of its client comes to nothing',
      ],
    ),
    should('3', 'Real clients get through: openssl, and coturn’s.', [
      'net/dtls/peers > openssl over DTLS',
      'net/dtls/peers > coturn’s client over DTLS',
    ]),
  ],
  'Over OpenSSL, which is reached through koffi on both engines; without koffi there is no DTLS.',
)
