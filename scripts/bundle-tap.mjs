// Puts tap, some 300 modules, into one file beside the compiled tests, where Node finds it first: every process of tests starts in half
// the time. Done again when another version is installed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as esbuild from 'esbuild'

const exportsOf = (name) => `export * from '${name}'\nexport { default } from '${name}'\n`

const root = resolve(import.meta.dirname, '..')
const modules = join(root, 'build', 'node_modules')
const target = join(modules, 'tap')
const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'tap', 'package.json'), 'utf8'))
const manifest = `${JSON.stringify({ name: 'tap', version, type: 'module', exports: './index.mjs' })}\n`

if (!isThere()) {
  await esbuild.build({
    stdin: { contents: exportsOf('tap'), resolveDir: root },
    // Frames of what is in a folder of this name are no part of the stacks that tap shows.
    outfile: join(modules, '@tapjs', 'bundle.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Some of it is CommonJS, which asks for Node's modules by this name.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url)",
    },
    logLevel: 'warning',
  })
  // Last: it says that the file is whole.
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'index.mjs'), exportsOf('../@tapjs/bundle.mjs'))
  writeFileSync(join(target, 'package.json'), manifest)
}

function isThere() {
  try {
    return readFileSync(join(target, 'package.json'), 'utf8') === manifest
  } catch {
    return false
  }
}
