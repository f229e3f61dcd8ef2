// RFC 8489: STUN, and the long-term credential mechanism.
import { redirection } from './redirection.js'
import { must, type RequirementList, rfc } from './requirement.js'

export const rfc8489: RequirementList = rfc(8489, 'STUN and long-term credentials', [
  must('5', 'What is no STUN message is dropped without an answer.', [
    'conformance/binding > what gets no answer > what is no STUN message',
  ]),
  ...redirection,
])
