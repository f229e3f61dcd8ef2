// The files of the status page and its libraries, as browsers load them: there is no bundler. And what of index.html the security policy must know.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { TurndError } from '../../config/errors.js'
import { programFile } from '../../config/program-files.js'

/** Where scripts/page.mjs puts the page, beside the compiled server. */
export const PAGE_DIRECTORY = programFile('page')
/** Served below /libraries/NAME/: what the import map of index.html names. */
const LIBRARIES = ['lit-html', 'uplot']
const LIBRARY_FILES = /\.(?:js|css)$/

/** `'sha256-…'` of each script that stands in index.html itself: the import map. Throws TurndError if there is no page. */
export function inlineScriptHashes(directory: string): string[] {
  const html = readIndex(directory)
  const scripts = html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)
  return [...scripts].map(([, text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
}

export async function servePage(app: FastifyInstance, directory: string): Promise<void> {
  // Names have no hashes in them: browsers ask each time, and mostly get 304.
  const options = { cacheControl: true, maxAge: 0, decorateReply: false, dotfiles: 'ignore' } as const
  await app.register(fastifyStatic, { ...options, root: directory, prefix: '/' })
  for (const name of LIBRARIES) {
    await app.register(fastifyStatic, {
      ...options,
      root: libraryDirectory(name),
      prefix: `/libraries/${name}/`,
      allowedPath: (path) => LIBRARY_FILES.test(path),
    })
  }
}

function readIndex(directory: string): string {
  const path = join(directory, 'index.html')
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const remedy = 'in a clone run npm run build, else install turnd again, or give --admin-listen none'
    const text = `--admin-listen: the status page cannot be read at ${path} (${(error as NodeJS.ErrnoException).code}): ${remedy}`
    throw new TurndError('TURND_ERR_LISTEN_FAILED', text, { cause: error })
  }
}

function libraryDirectory(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const mark = join('node_modules', name)
  return entry.slice(0, entry.lastIndexOf(mark) + mark.length)
}
