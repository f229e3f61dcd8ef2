// Where the files of this program lie. Modules cannot tell by their own place: the build puts many into one file.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Is in the folder that all others are below. */
const MARK = 'turnd.js'

/** The folder of the compiled program: `dist`, or `build/src` of the tests. */
export const PROGRAM_DIRECTORY = programDirectory(import.meta.dirname)

/** @param path below src, with slashes, as it is compiled: `server/worker/udp-worker.js` */
export function programFile(path: string): string {
  return join(PROGRAM_DIRECTORY, path)
}

/** The first folder upwards that has the mark; the one that it starts from, if none has. */
function programDirectory(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, MARK))) return directory
    if (directory === dirname(directory)) return start
  }
}
