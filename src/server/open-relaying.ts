// Which engine relays, and its start: native where it can, else dgram, with a sentence that says why.
import { TurndError } from '../config/errors.js'
import type { EngineChoice, Offloads } from '../net/choose-engine.js'
import { relayByWorkers } from './native-relaying.js'
import { refuseImpossibleDtls } from './refuse-dtls.js'
import type { Relaying, RelayingParts } from './relaying.js'

export interface OpenedRelaying {
  readonly relaying: Relaying
  /** What the kernel does for it; null for dgram. */
  readonly offloads: Offloads | null
  /** Why it is not the best one; '' if it is, or was wanted. */
  readonly reason: string
}

/** Throws TurndError, with nothing left open. */
export async function openRelaying(choice: EngineChoice, parts: RelayingParts): Promise<OpenedRelaying> {
  await refuseImpossibleDtls(parts.settings.listen)
  if (choice.engine === 'dgram') return openDgram(parts, choice.reason)
  const { offloads, reason } = choice
  try {
    return { relaying: await relayByWorkers(parts, offloads), offloads, reason }
  } catch (error) {
    if (!(error instanceof TurndError) || error.code !== 'TURND_ERR_ENGINE') throw error
    if (parts.settings.engine === 'auto') return openDgram(parts, error.message)
    throw new TurndError(error.code, `${error.message}; choose --engine auto or dgram`, { cause: error })
  }
}

/** The core is loaded here: a main thread with workers needs none, and starts sooner without. */
async function openDgram(parts: RelayingParts, reason: string): Promise<OpenedRelaying> {
  const { relayByDgram } = await import('./dgram-relaying.js')
  return { relaying: await relayByDgram(parts), offloads: null, reason }
}

/** `native engine with 2 workers, GRO and GSO`. */
export function describeEngine({ offloads, relaying }: OpenedRelaying): string {
  if (offloads === null) return `${relaying.engine} engine`
  const { workerCount } = relaying
  const names = [offloads.gro ? 'GRO' : '', offloads.gso ? 'GSO' : ''].filter((name) => name !== '')
  const workers = workerCount === 1 ? '1 worker' : `${workerCount} workers`
  return `${relaying.engine} engine with ${workers}${names.length === 0 ? '' : `, ${names.join(' and ')}`}`
}
