// Options that the commands of this folder, and `npm run sim`, share: what they mean, and one sentence for what is wrong with them.
import { parseArgs } from 'node:util'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'

/** The values of these options, each with one. `--help` prints this text, and nothing else happens. */
export function readOptions<const Name extends string>(
  names: readonly Name[],
  usage: string,
): { readonly [name in Name]?: string } {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  let values: Record<string, unknown>
  try {
    values = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    refuse(`${sentence}: --help lists the options`)
  }
  if (values.help === true) {
    console.log(usage)
    process.exit(0)
  }
  return values as { readonly [name in Name]?: string }
}

export function engineOption(text = 'native'): EngineUnderTest {
  const engine = ENGINES.find(({ name }) => name === text)
  if (engine === undefined) refuse(`--engine ${text}: give ${ENGINES.map(({ name }) => name).join(' or ')}`)
  if (engine.skip !== false) refuse(`--engine ${text}: ${engine.skip}`)
  return engine
}

export function countOption(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  const value = text === undefined ? fallback : text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  refuse(`${name} ${text}: give a whole number from ${min} to ${max}`)
}

export function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
