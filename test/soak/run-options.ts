// Options that the commands of this folder share.
import { parseArgs } from 'node:util'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'

/** The values of these options, each with one. */
export function readOptions<const Name extends string>(names: readonly Name[]): { readonly [name in Name]?: string } {
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
    return parseArgs({ options }).values as { readonly [name in Name]?: string }
  } catch (error) {
    refuse((error as Error).message)
  }
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
  const value = text === undefined ? fallback : Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  refuse(`${name} ${text}: give a whole number from ${min} to ${max}`)
}

export function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
