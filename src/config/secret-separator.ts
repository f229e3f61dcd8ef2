// The value of --auth-secret-separator: what stands between time and user in names of TURN REST credentials.
import { ValueProblem } from './value-type.js'

/** One printable character. A digit could be part of the time. */
export function isSecretSeparator(text: string): boolean {
  return /^[!-/:-~]$/.test(text)
}

/** Throws ValueProblem. */
export function parseSecretSeparator(text: string): string {
  if (isSecretSeparator(text)) return text
  throw new ValueProblem('is not one printable character that is no digit: give one such as : or |')
}
