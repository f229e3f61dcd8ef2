// RFC 7064: stun and stuns URIs.
import { must, type RequirementList, rfc } from './requirement.js'

const uris = 'client/pure > URIs of TURN servers'
const refused = 'commands/resolve > turnd resolve says what is wrong with its arguments'

export const rfc7064: RequirementList = rfc(7064, 'stun and stuns URIs', [
  must('3.1', 'A URI is scheme, host and optional port; the rest is refused with a sentence.', [uris, refused]),
  must('3.2', 'The default ports are 3478 for stun and 5349 for stuns.', [uris, 'client/discovery > STUN']),
  must('3.2', 'A name without a port is looked up as SRV (RFC 8489 §8), stuns over TLS and DTLS.', [
    'client/discovery > STUN',
    'commands/resolve > turnd resolve, with a DNS server > finds the listeners for which turnd dns printed records',
  ]),
])
