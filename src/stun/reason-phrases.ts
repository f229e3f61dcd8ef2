// The recommended reason phrase of each error code (RFC 8489 §14.8, RFC 8656 §19, RFC 6062 §6.3, RFC 8016 §4.3, RFC 8445 §16.1).

const REASON_PHRASES = new Map<number, string>([
  [300, 'Try Alternate'],
  [400, 'Bad Request'],
  [401, 'Unauthenticated'],
  [403, 'Forbidden'],
  [405, 'Mobility Forbidden'],
  [420, 'Unknown Attribute'],
  [431, 'Integrity Check Failure'],
  [437, 'Allocation Mismatch'],
  [438, 'Stale Nonce'],
  [440, 'Address Family not Supported'],
  [441, 'Wrong Credentials'],
  [442, 'Unsupported Transport Protocol'],
  [443, 'Peer Address Family Mismatch'],
  [446, 'Connection Already Exists'],
  [447, 'Connection Timeout or Failure'],
  [486, 'Allocation Quota Reached'],
  [487, 'Role Conflict'],
  [500, 'Server Error'],
  [508, 'Insufficient Capacity'],
])

/** The phrase for people that goes with an ERROR-CODE; '' for a code without one. */
export function reasonPhrase(code: number): string {
  return REASON_PHRASES.get(code) ?? ''
}
