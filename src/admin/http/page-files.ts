// The files of the status page and its libraries, as browsers load them: there is no bundler. And what of index.html the security policy must know.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Where scripts/page.mjs puts the page, beside the compiled server. */
export const PAGE_DIRECTORY = join(import.meta.dirname, '..', '..', 'page')
/** Served below /libraries/NAME/: what the import map of index.html names. */
const LIBRARIES = ['lit-html', 'uplot']
const LIBRARY_FILES = /\.(?:js|css)$/

/** `'sha256-…'` of each script that stands in index.html itself: the import map. */
export function inlineScriptHashes(directory: string): string[] {
  const html = readFileSync(join(directory, 'index.html'), 'utf8')
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

function libraryDirectory(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const mark = join('node_modules', name)
  return entry.slice(0, entry.lastIndexOf(mark) + mark.length)
}
