// The one place of src/config that touches the file system: the text of the file of --config.
import { readFileSync } from 'node:fs'

/** Returns the text of a file; throws the system's error. */
export function readTextFile(path: string): string {
  return readFileSync(path, 'utf8')
}
