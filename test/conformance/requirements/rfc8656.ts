// RFC 8656: TURN.
import { must, type RequirementList, rfc } from './requirement.js'

export const rfc8656: RequirementList = rfc(8656, 'TURN', [
  must('5', 'A request other than Allocate without an allocation on its 5-tuple gets 437.', [
    'conformance/refresh > without an allocation > Refresh, CreatePermission and ChannelBind get 437',
  ]),
])
