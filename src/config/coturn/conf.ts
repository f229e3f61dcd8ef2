// A turnserver.conf as the parts of the import ask it: which lines name an option, and what coturn takes of them.
import type { ImportLine } from '../imported-options.js'
import { readSwitch } from './conf-file.js'
import { ALWAYS_ON } from './options.js'

export class Conf {
  readonly #lines: readonly ImportLine[]

  constructor(lines: readonly ImportLine[]) {
    this.#lines = lines
  }

  /** In the order of the file. */
  all(name: string): ImportLine[] {
    return this.#lines.filter((line) => line.name === name)
  }

  /** The one that counts where only one can: the last one with a value. */
  last(name: string): ImportLine | null {
    return this.all(name).findLast(({ value }) => value !== '') ?? null
  }

  /** A switch: the last line says what it is. */
  isOn(name: string): boolean {
    const line = this.all(name).at(-1)
    return line !== undefined && (ALWAYS_ON.includes(name) || readSwitch(line.value) === true)
  }

  has(name: string): boolean {
    return this.all(name).length > 0
  }
}
