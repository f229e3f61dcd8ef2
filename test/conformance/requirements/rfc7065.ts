// RFC 7065: turn and turns URIs.
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc7065: RequirementList = rfc(7065, 'turn and turns URIs', [
  open(
    'MUST',
    '3.1',
    'A URI is scheme, host, optional port and optional transport; the rest is refused with a sentence.',
    inWork,
  ),
  open('MUST', '3.2', 'The default ports are 3478 for turn and 5349 for turns.', inWork),
  open('MUST', '3.2', 'turns is TLS over TCP and DTLS over UDP.', inWork),
])
