// The version of this program, from the package.json above it: one folder higher where tests are compiled to.
import { readFileSync } from 'node:fs'
import { programFile } from './program-files.js'

const PLACES = ['../package.json', '../../package.json']

export function programVersion(): string {
  for (const place of PLACES) {
    try {
      const manifest: { version: string } = JSON.parse(readFileSync(programFile(place), 'utf8'))
      return manifest.version
    } catch {
      // It is in the next one.
    }
  }
  return 'unknown'
}
