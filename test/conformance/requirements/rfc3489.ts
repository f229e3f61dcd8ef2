// RFC 3489: the STUN of before the magic cookie (--rfc3489).
import { must, open, ours, type RequirementList, rfc } from './requirement.js'

const LOGIC = 'turn/legacy-binding > Binding of RFC 3489'

export const rfc3489: RequirementList = rfc(
  3489,
  'Legacy Binding',
  [
    must('8.1', 'A Binding request without a magic cookie is answered with MAPPED-ADDRESS and SOURCE-ADDRESS.', [
      `${LOGIC} > is answered with MAPPED-ADDRESS and SOURCE-ADDRESS`,
      'conformance/nat-discovery > NAT discovery > Binding of RFC 3489 is answered in its form',
      'interop/nat-discovery > Debian’s stun gets its address where there is one',
    ]),
    must('8.1', 'The answer has the transaction id of 128 bits as it came.', [
      'conformance/nat-discovery > NAT discovery > Binding of RFC 3489 is answered in its form',
    ]),
    must('8.1', 'CHANGE-REQUEST with no flag set is accepted.', [
      `${LOGIC} > is answered with MAPPED-ADDRESS and SOURCE-ADDRESS`,
    ]),
    must(
      '8.1',
      'CHANGED-ADDRESS is told, and CHANGE-REQUEST honoured.',
      [
        `${LOGIC} > with discovery CHANGED-ADDRESS is told`,
        'interop/nat-discovery > over loopback > Debian’s stun finishes',
      ],
      'with --nat-discovery; without it there is no other address, and a flag gets 420',
    ),
    must('8.1', 'Unknown mandatory attributes get 420, one named twice where their number is odd.', [
      `${LOGIC} > RESPONSE-ADDRESS is never honoured`,
    ]),
    open('MUST', '8.1', 'RESPONSE-ADDRESS has the answer go there.', 'never: it makes a mirror of the server; 420'),
    open(
      'MUST',
      '8.2',
      'Shared secrets are given over TLS.',
      'not done: nobody is asked for one; a signed request gets 430',
    ),
    ours('8.1', 'Without --rfc3489 such a request gets nothing.', [`${LOGIC} > is dropped unless it is wanted`]),
  ],
  'Obsolete since 2008, and off by default: RFC 8489 §11 has it for clients that are older still.',
)
