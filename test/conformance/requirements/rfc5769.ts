// RFC 5769: test vectors. That of RFC 8489 B.1 is a row of rfc8489.ts.
import { must, type RequirementList, rfc } from './requirement.js'

export const rfc5769: RequirementList = rfc(5769, 'Test vectors', [
  must('2.1', 'The sample request is read, verified, and written byte for byte.', [
    'stun/vectors > sample messages decode > 2.1: request with SOFTWARE, PRIORITY, ICE-CONTROLLED and USERNAME',
    'stun/vectors > sample messages encode byte for byte > 2.1',
  ]),
  must('2.2', 'So is the sample IPv4 response.', [
    'stun/vectors > sample messages decode > RFC 5769 §2.2',
    'stun/vectors > sample messages encode byte for byte > RFC 5769 §2.2',
  ]),
  must('2.3', 'So is the sample IPv6 response.', [
    'stun/vectors > sample messages decode > RFC 5769 §2.3',
    'stun/vectors > sample messages encode byte for byte > RFC 5769 §2.3',
  ]),
  must('2.4', 'So is the sample request with long-term authentication.', [
    'stun/vectors > sample messages decode > 2.4: request with long-term authentication',
    'stun/vectors > sample messages encode byte for byte > 2.4',
    'auth/credentials > keys > verify the request of RFC 5769 §2.4 (MD5)',
  ]),
  must('2', 'Another key verifies none of them.', [
    'stun/vectors > sample messages decode > another key verifies none of them',
  ]),
])
