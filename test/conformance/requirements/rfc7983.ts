// RFC 7983: protocols told apart by the first byte.
import { must, ours, type RequirementList, rfc } from './requirement.js'

export const rfc7983: RequirementList = rfc(7983, 'Telling protocols apart by the first byte', [
  must('7', 'A first byte of 0 to 3 is STUN, 64 to 79 ChannelData; others are dropped over UDP.', [
    'turn/core > what is dropped silently, and counted > a first byte of 0x80 (RFC 7983: RTP)',
    'turn/core > what is dropped silently, and counted > a first byte of 0xFF',
    'conformance/binding > what gets no answer > what is no STUN message',
    'stun/framing > frameLength > takes 0x3FFF for a STUN type and 0x4000 to 0x7FFF for channels, refuses 0x8000',
  ]),
  must('7', 'Over DTLS listeners 20 to 63 are records.', [
    'net/dtls/client-hello > records',
    'net/dtls/sessions > a session of DTLS',
  ]),
  must('7', 'Over a stream the first bytes tell STUN, TLS and HTTP apart, and everything else closes it.', [
    'net/stream/first-bytes > the first bytes of a connection',
    'net/stream/client-frames > a connection is closed > by HTTP, by TLS, and by a PROXY header from nowhere, on a tcp: listener',
    'net/stream/tls-clients > a tls: listener',
  ]),
  ours('7', 'Bursts of messages, ChannelData and nonsense of one length are told apart one by one.', [
    'conformance/coalesced > bursts that the kernel keeps together',
  ]),
])
