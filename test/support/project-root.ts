// Where the project lies, seen from compiled tests: beside the nearest package.json above them.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const projectRoot = findProjectRoot()

function findProjectRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) {
    if (directory === dirname(directory)) throw new Error(`no package.json above ${import.meta.dirname}`)
    directory = dirname(directory)
  }
  return dirname(realpathSync(join(directory, 'package.json')))
}
