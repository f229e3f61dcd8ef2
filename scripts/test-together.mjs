// Several compiled test files in one process, one after the other, each imported when those before it have ended: most of what a small
// file costs is the start of Node and the import of tap and of the program. Started by scripts/test-files.mjs with the files, which
// cuts the TAP at these subtests.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
// The same as that of the files: bundle-tap.mjs.
import t from '../build/node_modules/tap/index.mjs'
import { openingOf } from './together-tap.mjs'

/** Of a file. */
const SECONDS_MAX = Number(process.env.TAP_TIMEOUT ?? 30)
const files = process.argv.slice(2)
// At once: tap ends what is idle for long.
t.on('idle', importNext)
importNext()

function importNext() {
  const file = files.shift()
  if (file === undefined || t.ended) return
  t.test(openingOf(file), { buffered: false }, async () => {
    // The one before may have changed these for itself; each has its own time.
    t.jobs = 1
    t.setTimeout(SECONDS_MAX * 1000)
    // What tap makes of the name of a program.
    t.testdirName = resolve('.tap', 'fixtures', file.replace(/[^\w.-]+/g, '-'))
    await import(pathToFileURL(resolve(file)).href)
  })
}
