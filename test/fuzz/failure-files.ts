// Writes the inputs of a failure to files of the corpus's form, so that they can be kept: run.ts says where, and what to do with them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { corpusText } from './corpus.js'
import type { FuzzFailure } from './target.js'

/** Returns the paths. */
export function writeFailureFiles(failure: FuzzFailure, target: string, folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  return failure.inputs.map(({ about, bytes, kind }, index) => {
    const path = join(folder, `${kind}-${target}-${failure.seed}-${index + 1}.hex`)
    writeFileSync(path, corpusText(bytes, `${about}\n${failure.message}`))
    return path
  })
}
