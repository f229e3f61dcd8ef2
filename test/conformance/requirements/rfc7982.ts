// RFC 7982: TRANSACTION_TRANSMIT_COUNTER.
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc7982: RequirementList = rfc(
  7982,
  'Round-trip times and fractional loss (TRANSACTION_TRANSMIT_COUNTER)',
  [
    open('MUST', '3.2', 'An answer carries the attribute if the request did, with the request’s count in Req.', inWork),
    open('MUST', '3.2', 'Resp counts the answers that were sent in this transaction.', inWork),
    open('MUST', '3.2', 'No answer carries it to a request without it.', inWork),
  ],
)
