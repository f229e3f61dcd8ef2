// RFC 8265: names and passwords as OpaqueString, which RFC 8489 §9.2 asks for.
import { must, type RequirementList, rfc } from './requirement.js'

export const rfc8265: RequirementList = rfc(8265, 'OpaqueString of names, realms and passwords', [
  must('4.2', 'Realm, name and password are prepared: two spellings of one are one.', [
    'conformance/credentials > names and passwords > are prepared as OpaqueString, so that two spellings are one',
    'auth/opaque-string > opaqueString',
    'auth/credentials > keys > cover the prepared forms of name, realm and password',
  ]),
  must('4.2.2', 'What is empty, or has characters that are not allowed, is refused where it is configured.', [
    'auth/opaque-string > opaqueString > refuses the empty string',
    'auth/authenticator > the challenge > is refused at start for a realm that is no OpaqueString',
  ]),
])
