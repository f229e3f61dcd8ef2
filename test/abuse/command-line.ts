// The arguments of `npm run abuse`.
import { parseArgs } from 'node:util'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'
import type { Attack } from './attack.js'
import { ATTACKS } from './catalogue.js'

export const USAGE = `npm run abuse -- [options]: attacks on a server of its own, on loopback, and what others notice of them

  --attack NAME       one attack; may be repeated (default: all; see --list)
  --engine NAME       native or dgram (default: both)
  --seconds N         how long each attack lasts, 0.5 to 60 (default: as the attack says)
  --quick             short forms that share servers, as in npm test
  --json FILE         all figures as JSON
  --markdown FILE     the tables, with the sentences of failures
  --list              the names of the attacks, and what they do
  --help              this text

In full the innocent's p99 may be 250 ms: have the machine idle. The exit code is 1 when a rule was broken or no attack could be made, and with
CI=true when one was skipped; 2 when an argument is wrong.`

export interface AbuseOptions {
  readonly engines: readonly EngineUnderTest[]
  readonly attacks: readonly Attack[]
  /** Null: as each attack says. */
  readonly seconds: number | null
  readonly isQuick: boolean
  readonly json: string | null
  readonly markdown: string | null
  readonly action: 'run' | 'list' | 'help'
}

/** Throws an Error with what to do about it. */
export function parseOptions(args: readonly string[]): AbuseOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      attack: { type: 'string', multiple: true },
      engine: { type: 'string', multiple: true },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    engines: values.engine === undefined ? [...ENGINES].reverse() : values.engine.map(engineNamed),
    attacks: values.attack === undefined ? ATTACKS : values.attack.map(attackOption),
    seconds: values.seconds === undefined ? null : secondsOption(values.seconds),
    isQuick: values.quick,
    json: values.json ?? null,
    markdown: values.markdown ?? null,
    action: values.help ? 'help' : values.list ? 'list' : 'run',
  }
}

function engineNamed(name: string): EngineUnderTest {
  const engine = ENGINES.find((candidate) => candidate.name === name)
  if (engine === undefined) throw new Error(`--engine ${name}: give ${ENGINES.map(({ name }) => name).join(' or ')}`)
  return engine
}

function attackOption(name: string): Attack {
  const attack = ATTACKS.find((candidate) => candidate.name === name)
  if (attack === undefined) throw new Error(`--attack ${name}: there is no such attack; --list names them`)
  return attack
}

function secondsOption(text: string): number {
  const seconds = Number(text)
  if (text.trim() === '' || !(seconds >= 0.5 && seconds <= 60)) throw new Error(`--seconds ${text}: give 0.5 to 60`)
  return seconds
}
