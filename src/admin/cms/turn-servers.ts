// The TURN servers of a call bridge: kept in the state directory, and measured. What routes do is done here. Created and closed by admin-server.ts.
import { randomUUID } from 'node:crypto'
import { type CallBridgeTurnServer, TurnServersFile } from '../../auth/turn-servers-file.js'
import { ADMIN_CLOSING_MILLISECONDS_MAX } from '../../limits/admin.js'
import { CMS_TURN_SERVER_COUNT_MAX } from '../../limits/cms.js'
import type { Logger } from '../../log/logger.js'
import { CmsFailure } from './failures.js'
import type { TurnServerStatus } from './measure.js'
import { Measurements } from './measurements.js'
import { readFields, UNSET } from './parameters.js'

type TurnServerList = readonly CallBridgeTurnServer[]

interface Store {
  list(): TurnServerList
  edit(change: (turnServers: TurnServerList) => TurnServerList): Promise<void>
}

export interface TurnServersOptions {
  /** null: objects are kept in memory, with a warning. */
  readonly stateDirectory: string | null
  readonly logger: Logger
  /** A sentence for the operator. */
  warn(text: string): void
}

export class TurnServers {
  readonly #store: Store
  readonly #isKept: boolean
  readonly #measurements: Measurements
  readonly #warn: (text: string) => void
  /** What was wrong with the file when it was looked at last; '' if nothing was. */
  #problem = ''
  #isMemoryTold = false

  constructor({ logger, stateDirectory, warn }: TurnServersOptions) {
    const file = stateDirectory === null ? null : new TurnServersFile(stateDirectory)
    this.#store = file ?? new MemoryStore()
    this.#isKept = file !== null
    this.#warn = warn
    this.#measurements = new Measurements(logger)
    try {
      this.list()
      const warning = file?.permissionWarning() ?? null
      if (warning !== null) warn(warning)
    } catch {
      // Said, and looked at again by the next request.
    }
  }

  /** In the order of their creation. Throws a CmsFailure. */
  list(): TurnServerList {
    let turnServers: TurnServerList
    try {
      turnServers = this.#store.list()
    } catch (error) {
      throw this.#unavailable(error as Error)
    }
    this.#problem = ''
    this.#measurements.follow(turnServers)
    return turnServers
  }

  /** Throws a CmsFailure. */
  find(id: string): CallBridgeTurnServer {
    return found(this.list(), id)
  }

  /** Its id. Throws a CmsFailure. */
  async create(form: URLSearchParams): Promise<string> {
    const id = randomUUID()
    await this.#edit((before) => {
      const turnServer = { id, ...readFields(form, UNSET) }
      if (before.length >= CMS_TURN_SERVER_COUNT_MAX) throw new CmsFailure('tooManyTurnServers')
      return [...before, turnServer]
    })
    this.#tellOfMemory()
    return id
  }

  /** Throws a CmsFailure, with the object as it was. */
  change(id: string, form: URLSearchParams): Promise<void> {
    return this.#edit((before) => {
      const turnServer = found(before, id)
      const changed = { ...turnServer, ...readFields(form, turnServer) }
      return before.map((each) => (each === turnServer ? changed : each))
    })
  }

  /** Throws a CmsFailure. */
  remove(id: string): Promise<void> {
    return this.#edit((before) => {
      const turnServer = found(before, id)
      return before.filter((each) => each !== turnServer)
    })
  }

  /** Measured now, or within the last second. Throws a CmsFailure. */
  status(id: string): Promise<TurnServerStatus> {
    return this.#measurements.status(this.find(id).id)
  }

  close(): Promise<void> {
    return this.#measurements.close(ADMIN_CLOSING_MILLISECONDS_MAX)
  }

  async #edit(change: (before: TurnServerList) => TurnServerList): Promise<void> {
    try {
      await this.#store.edit(change)
    } catch (error) {
      throw error instanceof CmsFailure ? error : this.#unavailable(error as Error)
    }
    this.list()
  }

  /** Said once in the log, and to whoever asks. */
  #unavailable({ message }: Error): CmsFailure {
    const sentence = `the TURN servers of the CMS API cannot be read or changed: ${message}`
    if (this.#problem !== message) this.#warn(sentence)
    this.#problem = message
    return new CmsFailure('databaseNotReady', sentence)
  }

  #tellOfMemory(): void {
    if (this.#isKept || this.#isMemoryTold) return
    this.#isMemoryTold = true
    this.#warn('TURN servers of the CMS API are kept in memory until this server stops: give it a state directory')
  }
}

class MemoryStore implements Store {
  #turnServers: TurnServerList = []

  list(): TurnServerList {
    return this.#turnServers
  }

  async edit(change: (turnServers: TurnServerList) => TurnServerList): Promise<void> {
    this.#turnServers = change(this.#turnServers)
  }
}

/** Ids are UUIDs, in whatever case somebody writes them. */
function found(turnServers: TurnServerList, id: string): CallBridgeTurnServer {
  const turnServer = turnServers.find((each) => each.id.toLowerCase() === id.toLowerCase())
  if (turnServer === undefined) throw new CmsFailure('turnServerDoesNotExist')
  return turnServer
}
