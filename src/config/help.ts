// The documents that derive from the table of options: --help for a terminal, and the page docs/options.md.
// Called by src/turnd.ts and by the script that writes the page.
import { COMMAND_SWITCHES, SUBCOMMANDS } from './arguments.js'
import { OPTION_GROUPS, OPTIONS, type OptionGroup } from './options.js'

interface HelpEntry {
  readonly title: string
  /** '' if there is none. */
  readonly environmentName: string
  readonly help: string
  readonly defaultText: string
  readonly isRepeatable: boolean
}

const COLUMNS_MIN = 76
const COLUMNS_MAX = 110
/** Where the text of an option begins: two spaces, its name and value, and two spaces. */
const TEXT_COLUMN = 31
/** Keeps a default on one line. */
const NO_BREAK = '\u00a0'

const INTRODUCTION = 'turnd is a STUN/TURN relay server (RFC 8489, RFC 8656).'
const FIRST_EXAMPLE = 'turnd --realm example.org --user alice:secret --external-ip 203.0.113.5'
const FOOTNOTES = [
  'Defaults are in [brackets]. Options with (+) may be repeated.',
  'Every option can also be given as an environment variable, --min-port as TURND_MIN_PORT (repeated values separated ' +
    'by commas, switches as true or false), or as a key of the file of --config. The command line beats the ' +
    'environment, which beats the file, which beats the file of another server.',
]

/** The text of --help, with no line longer than `columns` (within reason). Ends with a line break. */
export function formatHelp(columns = 80): string {
  const width = Math.min(Math.max(columns || 80, COLUMNS_MIN), COLUMNS_MAX)
  const lines = [INTRODUCTION, '', 'Usage: turnd [options]']
  const nameLength = Math.max(...SUBCOMMANDS.map(({ name }) => name.length))
  for (const { name, help } of SUBCOMMANDS) lines.push(`       turnd ${name.padEnd(nameLength)} --help  ${help}`)
  lines.push('', 'For example:', `  ${FIRST_EXAMPLE}`)
  for (const group of OPTION_GROUPS) {
    lines.push('', `${group}:`)
    for (const entry of entriesOf(group)) lines.push(...formatEntry(entry, width))
  }
  for (const footnote of FOOTNOTES) lines.push('', ...wrap(footnote, width))
  return `${lines.join('\n')}\n`
}

/** The page of all options as Markdown tables, one a group. Ends with a line break. */
export function formatOptionsMarkdown(): string {
  const lines = [
    '# Options',
    '',
    '<!-- Written by `npm run docs` from src/config/options.ts: do not edit. -->',
    '',
    'An option is given on the command line, as an environment variable, or as a key of the JSON file of `--config`',
    '(`"min-port"` or `"minPort"`). The command line beats the environment, which beats the file, which beats that of',
    '`--coturn-config` or `--expressway-config`, which beats the default.',
    'A repeatable option is a list in the file, and separated by commas in the environment (a comma inside a value is',
    'written `\\,`); the stronger source replaces the whole list. A switch is `true` or `false` there, and an empty',
    'variable gives nothing. Paths are relative to the working directory.',
  ]
  for (const group of OPTION_GROUPS) {
    lines.push('', `## ${group}`, '', '| option | environment | default | |', '|---|---|---|---|')
    for (const entry of entriesOf(group)) lines.push(markdownRow(entry))
  }
  return `${lines.join('\n')}\n`
}

function entriesOf(group: OptionGroup): HelpEntry[] {
  const entries = OPTIONS.filter((option) => option.group === group).map((option) => ({
    title: `--${option.name} ${option.type.placeholder}`.trim(),
    environmentName: option.environmentName,
    help: option.help,
    defaultText: option.defaultText,
    isRepeatable: option.repeatable,
  }))
  if (group !== 'Operating') return entries
  const switches = COMMAND_SWITCHES.map(({ name, short, help }) => ({
    title: short === null ? `--${name}` : `-${short}, --${name}`,
    environmentName: '',
    help,
    defaultText: '',
    isRepeatable: false,
  }))
  return [...entries, ...switches]
}

function formatEntry({ title, help, defaultText, isRepeatable }: HelpEntry, width: number): string[] {
  const marks = isRepeatable ? ' (+)' : ''
  const textWidth = width - TEXT_COLUMN
  // A default that is off says nothing that the reader does not expect.
  const note = defaultText === '' || defaultText === 'off' ? '' : ` [${defaultText}]`
  const unbrokenNote = note.length <= textWidth ? note.replaceAll(' ', NO_BREAK).replace(NO_BREAK, ' ') : note
  const text = wrap(`${help}${unbrokenNote}`, textWidth).map((line) => line.replaceAll(NO_BREAK, ' '))
  const head = `  ${title}${marks}`
  const indented = text.map((line) => ' '.repeat(TEXT_COLUMN) + line)
  if (head.length > TEXT_COLUMN - 2) return [head, ...indented]
  return [head.padEnd(TEXT_COLUMN) + text[0], ...indented.slice(1)]
}

/** Breaks text at spaces into lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function markdownRow({ title, environmentName, help, defaultText, isRepeatable }: HelpEntry): string {
  const marks = isRepeatable ? 'repeatable' : ''
  const cells = [
    `\`${title}\`${marks === '' ? '' : `<br>${marks}`}`,
    environmentName === '' ? '' : `\`${environmentName}\``,
    defaultText,
    help,
  ]
  return `| ${cells.map(markdownCell).join(' | ')} |`
}

/** A cell cannot hold a bar, not even in code; stars and brackets would be read as markup outside code. */
function markdownCell(cell: string): string {
  const parts = cell.split('`').map((part, index) => (index % 2 === 1 ? part : part.replace(/[[\]]|\*(?=:)/g, '\\$&')))
  return parts.join('`').replaceAll('|', '\\|')
}
