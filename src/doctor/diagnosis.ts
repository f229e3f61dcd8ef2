// All findings in ONE sentence: the first cause, and what to do about it. Causes stand before their symptoms, since checks do.
import type { Finding } from './check.js'

/** Findings of the machine itself have this subject. */
export const THIS_MACHINE = 'this machine'

export function diagnosisOf(findings: readonly Finding[]): string {
  const faults = findings.filter(({ verdict }) => verdict === 'fault')
  const warnings = findings.filter(({ verdict }) => verdict === 'warning')
  if (faults.length > 0) return faultSentence(faults)
  const isFromOutside = findings.some(({ subject, verdict }) => subject !== THIS_MACHINE && verdict === 'ok')
  const start = isFromOutside
    ? 'No fault: media gets through'
    : 'No fault that this machine can see; whether clients get through, turnd doctor turn:HOST --as NAME:PASSWORD tells on another one'
  if (warnings.length === 0) return `${start}.`
  return `${start}; ${warnings.length === 1 ? 'the warning above deserves' : `the ${warnings.length} warnings above deserve`} a look.`
}

function faultSentence([first, ...others]: readonly Finding[]): string {
  const cause = first.cause.charAt(0).toUpperCase() + first.cause.slice(1)
  const remedy = first.remedy.charAt(0).toLowerCase() + first.remedy.slice(1)
  const rest =
    others.length === 0
      ? ''
      : ` (and ${others.length === 1 ? 'one more fault' : `${others.length} more faults`}, see above)`
  return `${cause}: ${remedy}${rest}.`
}
