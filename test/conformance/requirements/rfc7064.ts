// RFC 7064: stun and stuns URIs.
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc7064: RequirementList = rfc(7064, 'stun and stuns URIs', [
  open('MUST', '3.1', 'A URI is scheme, host and optional port; the rest is refused with a sentence.', inWork),
  open('MUST', '3.2', 'The default ports are 3478 for stun and 5349 for stuns.', inWork),
])
