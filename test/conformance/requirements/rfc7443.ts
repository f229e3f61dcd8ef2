// RFC 7443: ALPN labels.
import { must, type RequirementList, rfc } from './requirement.js'

export const rfc7443: RequirementList = rfc(7443, 'ALPN labels of STUN', [
  must('2', 'stun.turn is chosen over TLS and DTLS where a client offers it.', [
    'interop/openssl > openssl s_client > over TLS 1.2 verifies the certificate, gets stun.turn',
    'interop/openssl > openssl s_client > over TLS 1.3 verifies the certificate, gets stun.turn',
    'interop/openssl > openssl s_client > over DTLS 1.2 verifies the certificate, gets stun.turn',
    'net/dtls/peers > openssl over DTLS > chooses a protocol',
  ]),
  must('2', 'stun.nat-discovery is chosen in the same way.', [
    'net/stream/tls-clients > ALPN (RFC 7443) > stun.turn and stun.nat-discovery are taken: STUN, and nothing else',
    'net/dtls/client-hello > the protocol is the first of the client’s that is known',
  ]),
  must('2', 'A client that offers none of what is spoken here ends with no_application_protocol (RFC 7301 §3.2).', [
    'net/stream/tls-clients > ALPN (RFC 7443) > of nothing that is spoken here ends with no_application_protocol',
    'net/dtls/handshake > the handshake of DTLS > fails with an alert if the client wants other protocols only',
  ]),
  must('2', 'A client without ALPN is served.', [
    'net/stream/tls-clients > a client over TLS',
    'net/dtls/peers > openssl over DTLS > gets an answer to a Binding request',
  ]),
])
