// PASSWORD-ALGORITHMS as this server offers it, and the choice that a request makes from it (RFC 8489 §9.2.4, §14.11, §14.12).
import {
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'

/** The better one first: clients take the first that they know. */
export const OFFERED_ALGORITHMS: readonly number[] = [PASSWORD_ALGORITHM_SHA256, PASSWORD_ALGORITHM_MD5]
/** The same as the attribute's value: number and length of the parameters, 16 bits each. No algorithm has parameters. */
const OFFERED_VALUE = Buffer.from(OFFERED_ALGORITHMS.flatMap((algorithm) => [0, algorithm, 0, 0]))

/**
 * The request's password algorithm, or -1 if somebody tampered with the offer (bid-down protection). Asked whatever the nonce says:
 * the offer is the same in all nonces that announce one, and a nonce from which the announcement was stripped is not ours anyway.
 */
export function chosenAlgorithm(message: MessageView): number {
  const choice = message.find(ATTRIBUTE_PASSWORD_ALGORITHM)
  const list = message.find(ATTRIBUTE_PASSWORD_ALGORITHMS)
  if (choice < 0 && list < 0) return PASSWORD_ALGORITHM_MD5
  if (choice < 0 || list < 0 || !OFFERED_VALUE.equals(message.readBytes(list))) return -1
  const isWhole = message.attributeLengths[choice] === 4 && message.readUint16(choice, 2) === 0
  const algorithm = message.readUint16(choice)
  return isWhole && OFFERED_ALGORITHMS.includes(algorithm) ? algorithm : -1
}
