// RFC 3489: the STUN of before the magic cookie (--rfc3489).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc3489: RequirementList = rfc(
  3489,
  'Legacy Binding',
  [
    open(
      'MUST',
      '8.1',
      'A Binding request without a magic cookie is answered with MAPPED-ADDRESS, where --rfc3489 is given.',
      inWork,
    ),
    open('MUST', '8.1', 'The answer has the transaction id of 128 bits as it came.', inWork),
    open('MUST', '8.1', 'CHANGE-REQUEST with no flag set is accepted.', inWork),
    open(
      'MUST',
      '8.1',
      'Unknown mandatory attributes get 420 with UNKNOWN-ATTRIBUTES, padded by a repeated one to a multiple of four.',
      inWork,
    ),
    open('turnd', '8.1', 'Without --rfc3489 such a request gets nothing.', inWork),
  ],
  'Obsolete since 2008, and off by default: RFC 8489 §11 has it for clients that are older still.',
)
