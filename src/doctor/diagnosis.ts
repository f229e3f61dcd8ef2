// All findings in ONE sentence: the first cause, and what to do about it. Causes stand before their symptoms, since checks do.
import type { Finding } from './check.js'
import { counted } from './durations.js'

/** Findings of the machine itself have this subject. */
export const THIS_MACHINE = 'this machine'
/** The check that has seen media, if it is well. */
const MEDIA_CHECK = 'relay-range'

export function diagnosisOf(findings: readonly Finding[]): string {
  const faults = findings.filter(({ verdict }) => verdict === 'fault')
  if (faults.length > 0) return faultSentence(faults)
  const warningCount = findings.filter(({ verdict }) => verdict === 'warning').length
  const start = healthOf(findings)
  if (warningCount === 0) return `${start}.`
  return `${start}; ${warningCount === 1 ? 'the warning above deserves' : `${warningCount} warnings above deserve`} a look.`
}

function healthOf(findings: readonly Finding[]): string {
  const media = findings.filter(({ id }) => id === MEDIA_CHECK)
  if (media.length === 0) {
    return 'No fault that this machine can see; whether clients get through, turnd doctor turn:HOST --as NAME:PASSWORD tells on another one'
  }
  const unseen = media.find(({ verdict }) => verdict === 'not-checked')
  if (unseen !== undefined) return `No fault, but whether media gets through was not seen, because ${unseen.text}`
  const extents = [...new Set(media.flatMap(({ extent }) => extent ?? []))].join(', ')
  return `No fault: media gets through${extents === '' ? '' : ` (${extents})`}`
}

/** With a capital, unless it begins with the name of a host or an option. @param subject of the finding, which may be a host of one word */
export function sentenceStart(text: string, subject: string): string {
  const isHost = subject !== THIS_MACHINE && text.startsWith(`${subject} `)
  return /^[a-z']+(?: |$)/.test(text) && !isHost ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

/** The cause begins a sentence, the remedy is what follows the colon: names of protocols stay as they are. */
function faultSentence([first, ...others]: readonly Finding[]): string {
  const cause = sentenceStart(first.cause, first.subject)
  const remedy = first.remedy.charAt(0).toLowerCase() + first.remedy.slice(1)
  const rest = others.length === 0 ? '' : ` (and ${counted(others.length, 'more fault')}, see above)`
  return `${cause}: ${remedy}${rest}.`
}
