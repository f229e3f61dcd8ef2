// RFC 7635: OAuth for STUN and TURN (--oauth-keys).
import { open, type RequirementList, rfc } from './requirement.js'

const inWork = 'in work'

export const rfc7635: RequirementList = rfc(7635, 'Third-party authorization (OAuth)', [
  open(
    'MUST',
    '4',
    'A 401 carries THIRD-PARTY-AUTHORIZATION with the name of the server, beside REALM and NONCE.',
    inWork,
  ),
  open('MUST', '4.1', 'The key of the token is the key of MESSAGE-INTEGRITY, and USERNAME is the kid.', inWork),
  open('MUST', '6.1', 'THIRD-PARTY-AUTHORIZATION is the server name that the authorization server knows.', inWork),
  open(
    'MUST',
    '6.2',
    'ACCESS-TOKEN is an encrypted block of key, timestamp and lifetime, authenticated with AES-GCM.',
    inWork,
  ),
  open(
    'MUST',
    '6.2',
    'The additional authenticated data is the server name: a token for another server is refused.',
    inWork,
  ),
  open('MUST', '7', 'A token that cannot be decrypted, has expired, or has no integrity gets 401.', inWork),
  open('MUST', '7', 'A token whose timestamp lies ahead, beyond what clocks differ, is refused.', inWork),
  open('MUST', '7', 'The lifetime of an allocation does not exceed that of the token.', inWork),
  open(
    'MUST',
    '7',
    'A Refresh without a token for an allocation that needed one is judged by the key that made it.',
    inWork,
  ),
  open('MUST', '7', 'Success carries MESSAGE-INTEGRITY with the key of the token.', inWork),
  open('MUST', '9', 'Tokens are bounded when they are parsed: lengths that contradict each other are refused.', inWork),
  open('SHOULD', '9', 'Keys are renewed: several are valid at once, each with its lifetime.', inWork),
  open('MUST', 'B', 'The sample ticket is read: key, timestamp, lifetime.', inWork),
])
