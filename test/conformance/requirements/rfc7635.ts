// RFC 7635: OAuth for STUN and TURN (--oauth-keys).
import { may, must, open, type RequirementList, rfc, should } from './requirement.js'

const server = 'turn/access-token > a server with OAuth keys'
const time = 'turn/access-token > the time of a token'
const allocation = 'turn/access-token > an allocation made with a token'
const token = 'auth/oauth-token > an access token'

export const rfc7635: RequirementList = rfc(7635, 'Third-party authorization (OAuth)', [
  must('4', 'A 401 carries THIRD-PARTY-AUTHORIZATION with the name of the server, beside REALM and NONCE.', [
    `${server} > names itself in every challenge, and in none without keys`,
  ]),
  should('4.1.1', 'Keys are renewed: several are valid at once, by their id, each with its times.', [
    'auth/oauth-keys-file > the file of OAuth keys',
    `${time} > of a key ends tokens made with it, and begins`,
    'interop/oauth',
  ]),
  must('5', 'The key of the token is the key of MESSAGE-INTEGRITY as it is, and USERNAME is the kid.', [
    `${server} > lets in who has a token, and answers with its key`,
    'interop/oauth',
  ]),
  must('6.1', 'THIRD-PARTY-AUTHORIZATION is the server name that the authorization server knows.', [
    `${server} > names itself in every challenge, and in none without keys`,
    'interop/oauth',
  ]),
  must('6.2', 'ACCESS-TOKEN is an encrypted block of key, timestamp and lifetime, authenticated with AES-GCM.', [
    `${token} > that is damaged anywhere is none`,
    `${token} > has a time with fractions of 1/64000 of a second`,
    'interop/oauth',
  ]),
  must('6.2', 'A key of 160 bits in the token is supported.', [`${token} > has a mac key of 20 to 64 bytes`]),
  must('6.2', 'The additional authenticated data is the server name: a token for another server is refused.', [
    `${token} > opens with its own key and server name alone`,
  ]),
  must('7', 'A token that cannot be decrypted, has expired, or is not the one of the integrity gets 401.', [
    `${server} > refuses with the same bytes whatever is wrong with a token`,
    `${server} > challenges a token without integrity`,
  ]),
  should('7', 'The timestamp is no further from now than the lifetime and 5 seconds, before and after.', [
    `${time} > is its lifetime and 5 seconds, before and after its timestamp`,
  ]),
  must('7', 'Success carries MESSAGE-INTEGRITY with the key of the token.', [
    `${server} > lets in who has a token, and answers with its key`,
  ]),
  must('7', 'ACCESS-TOKEN that nobody has asked for is an unknown attribute: 420.', [
    `${server} > takes ACCESS-TOKEN for an unknown attribute when it has no keys`,
  ]),
  must('9', 'The lifetime that Allocate and Refresh grant does not exceed that of the token.', [
    `${time} > caps what Allocate and Refresh grant`,
  ]),
  must('9', 'Requests but Allocate and Refresh have no token, and are judged by the key that the allocation has.', [
    `${allocation} > takes requests without one, made with its key`,
  ]),
  must('9', 'A new token, of another key if need be, refreshes the allocation.', [
    `${allocation} > goes on with a new token, of another key, from a Refresh on`,
  ]),
  may('9', 'A token is used for several Allocate requests.', [
    `${allocation} > counts for whoever has its mac key, not for all of a key`,
  ]),
  open(
    'MAY',
    '9',
    'A ConnectionBind (RFC 6062) without a token is judged by the key of its allocation.',
    'it brings the token: it may reach another worker than the allocation, which the RFC does not speak of',
  ),
  must('10', 'Tokens are bounded when they are parsed: lengths that contradict each other are refused.', [
    `${token} > whose lengths lie, however authentic, is none`,
  ]),
  must('A', 'The sample tickets are read and written: key, timestamp, lifetime.', [
    `${token} > is that of the RFC, sealed and opened`,
  ]),
])
