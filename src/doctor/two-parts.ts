// Sentences of the house say what is wrong and, after a colon or semicolon, what to do: the doctor shows the two apart.
import { fault, type Judgement, warning } from './check.js'

interface TwoParts {
  readonly found: string
  /** '' if the sentence has none. */
  readonly remedy: string
}

/** What is no order stands behind a colon as well: the system's reason, a part of the option. */
const ORDER =
  /^(add|ask|change|choose|export|give|keep|leave|let|look|lower|make|mend|name|quote|raise|remove|renew|run|see|set|start|stop|take|tell|try|use|write)\b/

/** `--a 1 is above --b 0: give a range` in two. */
export function twoParts(sentence: string): TwoParts {
  const [, found, remedy = ''] = /^(.*\S)[:;] (?=[a-z])(.*)$/s.exec(sentence) ?? []
  if (found === undefined || !ORDER.test(remedy)) return { found: sentence, remedy: '' }
  return { found, remedy: remedy.charAt(0).toUpperCase() + remedy.slice(1) }
}

/** @param remedy where the sentence has none */
export function faultOf(sentence: string, remedy: string): Judgement {
  const parts = twoParts(sentence)
  return fault(parts.found, parts.found, parts.remedy || remedy)
}

export function warningOf(sentence: string): Judgement {
  const parts = twoParts(sentence)
  return warning(parts.found, parts.remedy)
}
