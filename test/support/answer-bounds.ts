// How long an answer to a stranger may be, over IPv4, by a server whose realm has eight bytes: what a forged request makes of this server's bandwidth
// (docs/security.md). Used by whoever measures it, one request at a time or by the million.

/** XOR-MAPPED-ADDRESS behind a header. Of IPv6 it has twelve bytes more. */
export const BINDING_ANSWER_LENGTH_MAX = 32
export const CHALLENGE_LENGTH_MAX = 98

/** An Allocate as clients send it, with REQUESTED-TRANSPORT. */
const ALLOCATE_LENGTH = 28
/** Of a request as long as an Allocate or longer. */
export const CHALLENGE_RATIO_MAX = 3.5
/** Of one that is shorter, down to a header alone: no client sends it, so that only who forges gains by it. */
export const BARE_CHALLENGE_RATIO_MAX = 4.2

/** Bytes of an answer to a request that nobody has signed, in proportion to it. */
export function challengeLengthMax(requestLength: number): number {
  return (requestLength < ALLOCATE_LENGTH ? BARE_CHALLENGE_RATIO_MAX : CHALLENGE_RATIO_MAX) * requestLength
}
