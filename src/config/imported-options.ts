// Gathers what a file of another server gives, while a reader goes through it: options of ours with the lines that they come from, and a
// verdict on each line. Values that ours cannot take stop it at the end, all of them, with the file, the line and the reason.
import { TurndError } from './errors.js'
import type { ImportNote, ImportReport, ImportVerdict } from './import-report.js'
import { findOption, type Option } from './options.js'
import { printable, printablePath } from './printable.js'
import type { SettingKey } from './settings.js'
import type { GivenOption, Source } from './source.js'
import { ValueProblem } from './value-type.js'

/** What a file of another server comes to. */
export interface ImportedFile {
  readonly given: readonly GivenOption[]
  readonly report: ImportReport
}

/** One line of such a file. */
export interface ImportLine {
  /** The option of the other server. */
  readonly name: string
  /** '' if there is none. */
  readonly value: string
  /** Counted from 1. */
  readonly line: number
}

interface Gathered {
  readonly values: unknown[]
  /** The same, for lists of thousands. */
  readonly seen: Set<unknown>
  /** For each value; null if it is the default of the other server. */
  readonly lines: (number | null)[]
}

export class ImportedOptions {
  readonly path: string
  readonly #gathered = new Map<Option, Gathered>()
  readonly #verdicts = new Map<ImportLine, Omit<ImportNote, 'lines'>>()
  readonly #refused = new Set<Option>()
  readonly #problems = new Map<number, string>()
  readonly #missing: ImportNote[] = []
  readonly #remarks: string[] = []
  readonly #optionalListeners: string[] = []
  readonly #answered: ReadonlySet<SettingKey>

  /** @param answered the options that a stronger source gives: nobody need be told about them */
  constructor(path: string, answered: ReadonlySet<SettingKey>) {
    this.path = path
    this.#answered = answered
  }

  /** Does a stronger source than the file, such as the command line, give one of these? */
  isAnswered(...names: readonly string[]): boolean {
    return names.some((name) => this.#answered.has(optionOf(name).key))
  }

  /** Has some line given this option of ours, if only a value that it cannot take? */
  has(name: string): boolean {
    const option = optionOf(name)
    return this.#gathered.has(option) || this.#refused.has(option)
  }

  /**
   * An option of ours gets this value, once however often. `line` is where it comes from; null for a default of the other server. One that it
   * cannot take is told by finish().
   */
  give(name: string, value: unknown, line: ImportLine | null): void {
    const option = optionOf(name)
    if (line !== null && !this.#isTaken(option, value, line)) return
    const gathered = option.repeatable ? this.#gathered.get(option) : undefined
    const { lines, seen, values } = gathered ?? { values: [], seen: new Set(), lines: [] }
    if (!seen.has(value)) {
      seen.add(value)
      values.push(value)
      lines.push(line?.line ?? null)
    }
    this.#gathered.set(option, { values, seen, lines })
  }

  /** A listener that nobody asked for: the other server has it by default. */
  giveOptionalListener(value: string, line: ImportLine | null): void {
    this.give('listen', value, line)
    this.#optionalListeners.push(value)
  }

  /** The verdict on a line; the first one counts. @param shown what the option is called; its name if absent */
  judge(line: ImportLine, verdict: ImportVerdict, text: string, shown = line.name): void {
    const option = /^[ -~]{1,100}$/.test(shown) ? shown : printable(shown)
    if (!this.#verdicts.has(line)) this.#verdicts.set(line, { verdict, option, text })
  }

  applied(line: ImportLine, ...names: readonly string[]): void {
    this.judge(line, 'applied', names.map((name) => `--${name}`).join(', '))
  }

  /** What the file does not have, and the operator has to give. @param answers options of ours, one of which is enough */
  missing(option: string, text: string, answers: readonly string[]): void {
    if (!this.isAnswered(...answers)) this.#missing.push({ verdict: 'needed', option, lines: [], text })
  }

  /** Where this server differs from what the file leaves unsaid. @param answers options of ours: with one of them there is nothing to say */
  remark(text: string, ...answers: readonly string[]): void {
    if (!this.isAnswered(...answers) && !this.#remarks.includes(text)) this.#remarks.push(text)
  }

  /** The sentence that stops the import. `what` begins after the place: `realm: is …`. */
  refuse({ line }: ImportLine, what: string): never {
    this.#problems.set(line, what)
    throw this.#refusal()
  }

  /** The same, at the end: what comes after the line can be judged without it. */
  refuseAtEnd({ line }: ImportLine, what: string): void {
    this.#problems.set(line, what)
  }

  /** Throws TurndError. @param lines those of the file, each of which has its verdict by now */
  finish(lines: readonly ImportLine[]): ImportedFile {
    if (this.#problems.size > 0) throw this.#refusal()
    const given = [...this.#gathered].map(([option, { lines: origins, values }]) => ({
      ...{ option, values },
      source: importedSource(this.path, origins),
    }))
    const [notes, remarks, optionalListeners] = [this.#notes(lines), this.#remarks, this.#optionalListeners]
    return { given, report: { path: this.path, notes, remarks, optionalListeners } }
  }

  /** With what was found before, so that nobody mends a file line after line. */
  #refusal(): TurndError {
    const problems = [...this.#problems].sort(([one], [other]) => one - other)
    const shown = problems.slice(0, PROBLEM_COUNT_SHOWN).map(([line, what]) => `line ${line}: ${what}`)
    const rest = problems.length - shown.length
    const more = rest > 0 ? `; and ${rest} more` : ''
    return new TurndError('TURND_ERR_CONFIG_FILE', `${printablePath(this.path)} ${shown.join('; ')}${more}`)
  }

  #isTaken(option: Option, value: unknown, line: ImportLine): boolean {
    const { type } = option
    try {
      if (typeof value === 'object' && value !== null) type.parseObject?.(value)
      else type.parse(String(value))
      return true
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error
      const shown = option.secret ? (error.shown ?? 'the value') : printable(line.value || String(value))
      this.#problems.set(line.line, `${line.name}: ${shown} ${error.message}`)
      this.#refused.add(option)
      return false
    }
  }

  /** Lines with one option and one verdict are one note. */
  #notes(lines: readonly ImportLine[]): ImportNote[] {
    const notes = new Map<string, ImportNote & { readonly lines: number[] }>()
    for (const line of lines) {
      const judged = this.#verdicts.get(line)
      if (judged === undefined) throw new Error(`nothing was decided about ${line.name}`)
      const key = JSON.stringify(judged)
      const note = notes.get(key) ?? { ...judged, lines: [] }
      note.lines.push(line.line)
      notes.set(key, note)
    }
    return [...this.#missing, ...notes.values()]
  }
}

const PROBLEM_COUNT_SHOWN = 8

function optionOf(name: string): Option {
  const option = findOption(name)
  if (option === undefined) throw new Error(`there is no option --${name}`)
  return option
}

/** In sentences about values that do not fit each other. */
function importedSource(path: string, lines: readonly (number | null)[]): Source {
  const file = printablePath(path)
  return {
    show: ({ name }, value, index) => {
      if (value === undefined) return `--${name}`
      // A proposal, which is in no file.
      if (index === undefined) return `--${name} ${value}`
      const line = lines[index] ?? null
      return `${file}${line === null ? '' : ` line ${line}`}: --${name} ${value}`
    },
    quotesText: false,
  }
}
