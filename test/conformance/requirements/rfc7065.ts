// RFC 7065: turn and turns URIs.
import { must, type RequirementList, rfc } from './requirement.js'

const uris = 'client/pure > URIs of TURN servers'
const refused = 'commands/resolve > turnd resolve says what is wrong with its arguments'

export const rfc7065: RequirementList = rfc(7065, 'turn and turns URIs', [
  must('3.1', 'A URI is scheme, host, optional port and optional transport; the rest is refused with a sentence.', [
    uris,
    refused,
  ]),
  must('3.2', 'The default ports are 3478 for turn and 5349 for turns.', [
    uris,
    'client/discovery > the steps of RFC 5928 §3 > an IP address asks nobody',
  ]),
  must('3.2', 'turns is TLS over TCP and DTLS over UDP.', [
    uris,
    'client/discovery > the examples of RFC 5928 > DTLS has the tag turn.dtls',
  ]),
])
