// `node scripts/bundle.mjs DIR [--watch]`: puts the modules of each program into few files, since Node takes about two milliseconds of a
// processor for each file that it loads, on every thread. Into dist/ goes all that is run; into build/src/ what runs on threads and in
// processes of their own, beside the single modules that tests import. Libraries stay what they are: they are installed.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import * as esbuild from 'esbuild'

/** Each in one file: it must be able to run where nothing else is. */
const ALONE = ['net/native/self-test']
/** These have what they share in files of their own, and what is seldom needed in others. */
const WORKERS = ['server/worker/udp-worker', 'server/worker/stream-worker']
const PROGRAMS = ['turnd', 'index']
const CHUNKS = 'chunks'

const [directory, ...flags] = process.argv.slice(2)
if (directory === undefined || flags.some((flag) => flag !== '--watch')) {
  console.error('usage: node scripts/bundle.mjs DIR [--watch]')
  process.exit(2)
}
const root = resolve(import.meta.dirname, '..')
const target = resolve(root, directory)
const entries = target === join(root, 'dist') ? [...PROGRAMS, ...WORKERS] : WORKERS
const builds = [optionsOf(entries, true), optionsOf(ALONE, false)]

if (flags.includes('--watch')) {
  for (const options of builds) await (await esbuild.context(options)).watch()
} else {
  await Promise.all(builds.map((options) => esbuild.build(options)))
}

/** @returns options of esbuild, which call each module by its path below src/ */
function optionsOf(names, splitting) {
  return {
    absWorkingDir: root,
    entryPoints: names.map((name) => `src/${name}.ts`),
    outbase: 'src',
    outdir: target,
    bundle: true,
    splitting,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    chunkNames: `${CHUNKS}/[name]-[hash]`,
    sourcemap: 'linked',
    logLevel: 'warning',
    write: false,
    plugins: [{ name: 'write', setup: (build) => build.onEnd((result) => write(result, splitting)) }],
  }
}

/** Only what has changed, because a server that runs may load a file at any time; and what nobody imports any more goes. */
function write({ outputFiles = [] }, hasChunks) {
  for (const { contents, path } of outputFiles) {
    if (isSame(path, contents)) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, contents)
  }
  if (!hasChunks || outputFiles.length === 0) return
  const kept = new Set(outputFiles.map(({ path }) => relative(target, path)))
  const folder = join(target, CHUNKS)
  for (const name of readdirSync(folder)) if (!kept.has(join(CHUNKS, name))) rmSync(join(folder, name))
}

function isSame(path, contents) {
  try {
    return readFileSync(path).equals(contents)
  } catch {
    return false
  }
}
