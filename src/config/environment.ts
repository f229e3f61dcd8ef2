// Reads TURND_* variables into options that were given. Called by command-line.ts.
// A repeatable option takes several values, separated by commas; a comma inside a value is written `\,`.
import { nearestOption } from './nearest-name.js'
import { OPTIONS } from './options.js'
import { printable } from './printable.js'
import { ENVIRONMENT, type GivenOption } from './source.js'

export type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'TURND_'
/** Kubernetes sets these for a service that is called turnd; nobody wrote them. */
const FOREIGN = /^TURND_(SERVICE|PORT)(_|$)/
/** Switches of tests, which are no options and change nothing that is written here. */
const FOR_TESTS = /^TURND_(SELF_)?TEST_/

/** Every option that a variable gives; an empty variable gives nothing. */
export function readEnvironment(environment: Environment): { given: GivenOption[]; warnings: string[] } {
  const given: GivenOption[] = []
  const known = new Set<string>()
  for (const option of OPTIONS) {
    known.add(option.environmentName)
    const value = environment[option.environmentName]
    if (value === undefined || value === '') continue
    given.push({ option, source: ENVIRONMENT, values: option.repeatable ? splitList(value) : [value] })
  }
  const warnings = Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name) && !FOREIGN.test(name) && !FOR_TESTS.test(name))
    .map(unknownVariable)
  return { given, warnings }
}

function splitList(value: string): string[] {
  return value.split(/(?<!\\),\s*/).map((item) => item.replaceAll('\\,', ','))
}

function unknownVariable(name: string): string {
  const nearest = nearestOption(name.slice(PREFIX.length))
  const shown = `the environment variable ${printable(name)}`
  if (nearest === null) return `${shown} matches no option and is ignored`
  const { environmentName } = nearest.option
  return `${shown} matches no option and is ignored: did you mean ${environmentName}?`
}
