// RFC 7982: TRANSACTION_TRANSMIT_COUNTER.
import { must, open, type RequirementList, rfc } from './requirement.js'

const COUNTER = 'turn/respond > TRANSACTION_TRANSMIT_COUNTER'

export const rfc7982: RequirementList = rfc(
  7982,
  'Round-trip times and fractional loss (TRANSACTION_TRANSMIT_COUNTER)',
  [
    must('3.3', 'An answer of any kind has the attribute if the request did, with the request’s count in Req.', [
      `${COUNTER} > says again how often the client has sent the request`,
    ]),
    must('3.3', 'Resp is 0: the server does not remember what it has answered.', [
      `${COUNTER} > says again how often the client has sent the request`,
    ]),
    must('3.3', 'No answer has it to a request without it.', [
      `${COUNTER} > stands in no answer to a request without it`,
    ]),
    open('MAY', '3.2', 'Our client sends it.', 'not done: a request that is sent again would have to be signed again'),
  ],
)
