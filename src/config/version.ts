// The version of this program, from the package.json above it: one folder higher where tests are compiled to.
import { readFileSync } from 'node:fs'

const PLACES = ['../../package.json', '../../../package.json']

export function programVersion(): string {
  for (const place of PLACES) {
    try {
      const manifest: { version: string } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      return manifest.version
    } catch {
      // It is in the next one.
    }
  }
  return 'unknown'
}
