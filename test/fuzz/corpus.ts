// The files of corpus/: one input each, in hex, with comments. The beginning of a file's name says of what kind it is (corpus/README.md), and so
// which targets begin with it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/project-root.js'
import { bytesOfHex } from '../support/vectors.js'

export const CORPUS_KINDS = ['stun', 'channel-data', 'stream', 'proxy', 'http', 'tls', 'dtls', 'text'] as const
export type CorpusKind = (typeof CORPUS_KINDS)[number]

export interface CorpusEntry {
  readonly name: string
  readonly kind: CorpusKind
  readonly bytes: Uint8Array
}

export const CORPUS_FOLDER = join(projectRoot, 'test', 'fuzz', 'corpus')

let cached: CorpusEntry[] | null = null

/** Every file, in the order of their names; throws for one that is of no kind, or no hex. */
export function allCorpus(): readonly CorpusEntry[] {
  cached ??= readCorpus()
  return cached
}

function readCorpus(): CorpusEntry[] {
  const names = readdirSync(CORPUS_FOLDER).filter((name) => name.endsWith('.hex'))
  return names.sort().map((name) => {
    const kind = CORPUS_KINDS.find((each) => name.startsWith(`${each}-`))
    if (kind === undefined) throw new Error(`corpus/${name}: its name begins with none of ${CORPUS_KINDS.join(', ')}`)
    return { name, kind, bytes: bytesOfCorpusText(readFileSync(join(CORPUS_FOLDER, name), 'utf8')) }
  })
}

export function corpusOf(...kinds: readonly CorpusKind[]): CorpusEntry[] {
  return allCorpus().filter(({ kind }) => kinds.includes(kind))
}

/** Hex, white space, and comments from a # to the end of their line. */
export function bytesOfCorpusText(text: string): Uint8Array {
  return bytesOfHex(text.replace(/#.*$/gm, ''))
}

/** What bytesOfCorpusText reads; 32 bytes a line. */
export function corpusText(bytes: Uint8Array, about: string): string {
  const lines =
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,64}/g) ?? []
  return [...about.split('\n').map((line) => `# ${line}`), ...lines, ''].join('\n')
}
