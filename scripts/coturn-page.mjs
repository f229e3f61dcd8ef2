// docs/coturn-options.md from src/config/coturn/: every option of coturn, and what --coturn-config makes of it. Used by docs.mjs and by
// test/config/coturn-config.test.ts.

const VERDICTS = {
  applied: 'applied',
  same: 'default here',
  fixed: 'fixed',
  ignored: 'ignored',
  needed: 'needs you',
}

const HEAD = `# The options of coturn

<!-- Written by \`npm run docs\` from src/config/coturn/: do not edit. -->

What \`turnd --coturn-config turnserver.conf\` and \`turnd convert --coturn-config turnserver.conf\` make of each option that coturn has, or
had, in versions 4.5 to 4.17. At the start the log says the same of the options of your file: a line (\`"event":"import"\`) for each that is
not taken over, a warning for each that needs you, and how many there were of each kind.

- **applied**: an option of ours has it, and every other source of options beats it: the command line, the environment, \`--config\`.
- **default here**: turnd does so by default. Where coturn's switch is off (\`=0\`, \`=no\`, \`=off\`), there is none for it here.
- **fixed**: a number that is the same here and cannot be changed; another one in the file is ignored.
- **ignored**: it has no counterpart, and nothing has to be done.
- **needs you**: it is not taken over, and you should do what is said.

The file is read as coturn reads it: \`option\`, \`option=value\` or \`option value\`, a comment where a line begins with \`#\`, double quotes
around a value. Of an option that can be given once the last line counts. A name that coturn does not know is a warning with the
nearest one; a value that turnd cannot take stops the start with the file, the line and the reason.

What the file leaves unsaid is as in coturn where others depend on it: relay ports are 49152-65535, and relays are where it listens. Where
turnd differs, the log says so: peers in private networks are refused unless \`--allow-peer\` allows them, everybody must have credentials,
there may be 1800 allocations at once, and channel numbers end at 0x4FFF.
`

export function coturnPage(groups) {
  const sections = Object.entries(groups).map(([title, options]) => {
    const rows = Object.entries(options).map(([name, { fate }]) => `| \`${name}\` | ${cellsOf(fate).join(' | ')} |`)
    return `## ${title}\n\n| option | here | |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return [HEAD, ...sections].join('\n')
}

function cellsOf(fate) {
  const { kind, text } = fate
  if (kind === 'fixed') return [VERDICTS.fixed, cell(`${fate.number}: ${text}`)]
  if (kind === 'part') return [VERDICTS[fate.verdict], cell(text)]
  if (kind !== 'option') return [VERDICTS[kind], cell(text)]
  return [VERDICTS.applied, cell(text === '' ? `--${fate.option}` : `--${fate.option}: ${text}`)]
}

/** Our options and their values look like code; a cell cannot hold a bar. */
function cell(text) {
  return text
    .replace(/(?<![\w`-])--[a-z][a-z0-9-]*/g, '`$&`')
    .replace(/</g, '&lt;')
    .replaceAll('|', '\\|')
}
