// `turnd convert`: prints the file for --config that another server's file comes to. Called by turnd.ts with the arguments after `convert`.
import { createPrivateFile, errorText, replacePrivateFile } from '../auth/private-file.js'
import { TurndError } from '../config/errors.js'
import { readImportedFile } from '../config/imported-file.js'
import { readTextFile } from '../config/read-text-file.js'
import { settle } from '../config/settle.js'
import { COMMAND_LINE, type GivenOption } from '../config/source.js'
import { escapeControls } from '../log/escape.js'
import { CommandError } from './command-words.js'
import { CONVERT_HELP, type ConvertArguments, parseConvertArguments } from './convert-arguments.js'
import { convertReport } from './convert-report.js'

export interface ConvertCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** Runs the command. Returns the exit code: 0, 1 (the file of --output is there already), 2 (anything else, after one sentence). */
export async function runConvertCommand(argv: readonly string[], io: ConvertCommandIo): Promise<number> {
  try {
    const options = parseConvertArguments(argv)
    if (options !== null) return convert(options, io)
    io.stdout.write(CONVERT_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof TurndError)) throw error
    io.stderr.write(`turnd convert: ${escapeControls(error.message)}\n`)
    return 2
  }
}

function convert({ hasSecrets, isReplacing, option, output, path }: ConvertArguments, io: ConvertCommandIo): number {
  const { given, report } = readImportedFile(option, path, `--${option.name} ${path}`, readTextFile, new Set())
  // Whatever stops a server with these options stops the conversion.
  const { warnings } = settle([given], {}, COMMAND_LINE)
  const text = configFileText(given, hasSecrets)
  if (output === null) io.stdout.write(text)
  else if (!write(output, text, isReplacing)) {
    io.stderr.write(`turnd convert: ${output} is there already; --force replaces it\n`)
    return 1
  }
  const secretCount = given.filter((one) => one.option.secret).reduce((sum, { values }) => sum + values.length, 0)
  const notes = hasSecrets || secretCount === 0 ? [] : [leftOut(secretCount)]
  io.stderr.write(escapeLines(convertReport(report, [...warnings, ...report.optionalListeners.map(takeOut), ...notes])))
  return 0
}

/** Each value as JSON has it: numbers and switches as such, one value without a list. */
function configFileText(given: readonly GivenOption[], hasSecrets: boolean): string {
  const entries = given
    .filter(({ option }) => hasSecrets || option.secret !== true)
    .map(({ option, values }) => {
      const natives = values.map((value) => (option.type.kind === 'integer' ? Number(value) : value))
      return [option.name, option.repeatable && natives.length > 1 ? natives : natives[0]]
    })
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}

/** False if it is there already. Throws a CommandError. */
function write(path: string, text: string, isReplacing: boolean): boolean {
  try {
    if (!isReplacing) return createPrivateFile(path, text)
    replacePrivateFile(path, text)
    return true
  } catch (error) {
    throw new CommandError(`--output ${path}: ${errorText(error)}`)
  }
}

/** Of its own file a server leaves nothing out. */
function takeOut(listen: string): string {
  return `${listen} is there because coturn 4.6 has it by default: without the package koffi take it out of the file`
}

function leftOut(count: number): string {
  const what = count === 1 ? 'one password or secret is' : `${count} passwords and secrets are`
  return `${what} left out: --output FILE writes them to a file of mode 0600, --with-secrets prints them`
}

/** Names and values are those of a file, which may be anybody's. */
function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n')
}
