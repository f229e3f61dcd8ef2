import { readFileSync } from 'node:fs'
import t from 'tap'
import { SUBCOMMANDS } from '../../src/config/arguments.js'
import { configFileSchema } from '../../src/config/config-file-schema.js'
import { TURND_ERROR_CODES, TurndError } from '../../src/config/errors.js'
import { formatHelp, formatOptionsMarkdown, wrap } from '../../src/config/help.js'
import { OPTION_GROUPS, OPTIONS } from '../../src/config/options.js'

t.test('--help', async (t) => {
  const lines = formatHelp(80).split('\n')

  t.test('has every option with its value and its default', async (t) => {
    for (const { name, type, defaultText, repeatable } of OPTIONS) {
      const start = lines.findIndex((line) => line.startsWith(`  --${name} `) || line === `  --${name}`)
      t.ok(start >= 0, name)
      t.ok(lines[start].includes(`--${name} ${type.placeholder}`.trim()))
      t.equal(lines[start].includes('(+)'), repeatable, name)
      const length = lines.slice(start + 1).findIndex((line) => !/^ {31}/.test(line))
      const entry = lines
        .slice(start, start + 1 + length)
        .join(' ')
        .replace(/\s+/g, ' ')
      if (defaultText !== '' && defaultText !== 'off') t.ok(entry.endsWith(`[${defaultText}]`), entry)
      else t.notMatch(entry, /\]$/)
    }
  })

  t.test('has every group, the subcommands, the switches and how to use the environment', async (t) => {
    for (const group of OPTION_GROUPS) t.ok(lines.includes(`${group}:`), group)
    t.match(lines[2], /^Usage: turnd /)
    for (const { name } of SUBCOMMANDS) t.match(lines.join('\n'), new RegExp(`^ +turnd ${name} +--help `, 'm'))
    t.ok(lines.some((line) => line.startsWith('  -h, --help ')))
    t.ok(lines.some((line) => line.startsWith('  --version ')))
    t.ok(lines.some((line) => line.includes('TURND_MIN_PORT')))
    t.equal(lines.at(-1), '', 'ends with a line break')
  })

  t.test('keeps to the width of the terminal, from 76 to 110 columns', async (t) => {
    for (const [columns, width] of [
      [1, 76],
      [76, 76],
      [80, 80],
      [100, 100],
      [110, 110],
      [500, 110],
      [Number.NaN, 80],
    ]) {
      const lengths = formatHelp(columns)
        .split('\n')
        .map((line) => line.length)
      t.ok(Math.max(...lengths) <= width, `${columns} columns`)
      t.ok(Math.max(...lengths) > width - 4, `${columns} columns are used`)
    }
    t.equal(formatHelp(), formatHelp(80))
    t.notMatch(formatHelp(), /\u00a0| $/m)
  })

  t.test('wraps at spaces and leaves a long word alone', async (t) => {
    t.same(wrap('aa bb cc', 5), ['aa bb', 'cc'])
    t.same(wrap('aa bb cc', 4), ['aa', 'bb', 'cc'])
    t.same(wrap('a bbbbbbbb c', 4), ['a', 'bbbbbbbb', 'c'])
  })
})

t.test('docs/options.md', async (t) => {
  t.test('is what the table says; if not: npm run docs', async (t) => {
    t.equal(readFileSync('docs/options.md', 'utf8'), formatOptionsMarkdown())
  })

  t.test('has every option and variable, in tables of four columns', async (t) => {
    const page = formatOptionsMarkdown()
    for (const { name, environmentName } of OPTIONS) {
      t.match(page, new RegExp(`^\\| \`--${name}[ \`]`, 'm'))
      t.ok(page.includes(`| \`${environmentName}\` |`))
    }
    for (const line of page.split('\n').filter((text) => text.startsWith('|'))) {
      t.equal(line.replaceAll('\\|', '').split('|').length, 6, line)
    }
  })
})

t.test('the schema of the config file', async (t) => {
  const schema = configFileSchema()

  t.test('has every option but --config, in kebab and in camel case', async (t) => {
    t.notOk('config' in schema.properties)
    for (const { name, key, repeatable } of OPTIONS.filter((option) => option.key !== 'config')) {
      const property = schema.properties[name]
      t.ok(property.description, name)
      t.equal(property.oneOf !== undefined, repeatable, name)
      if (key !== name) t.same(schema.properties[key], { $ref: `#/properties/${name}` })
    }
    t.equal(schema.additionalProperties, false)
  })

  t.test('has the bounds and the words of the parsers', async (t) => {
    t.match(schema.properties['min-port'], {
      anyOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, { type: 'string' }],
    })
    t.same(schema.properties.engine.enum, ['auto', 'native', 'dgram'])
    t.match(schema.properties.mobility, { anyOf: [{ type: 'boolean' }, {}] })
    t.same(JSON.parse(JSON.stringify(schema)), schema, 'is JSON')
  })
})

t.test('the catalogue of errors', async (t) => {
  t.test('says in one line what each code means', async (t) => {
    for (const [code, meaning] of Object.entries(TURND_ERROR_CODES)) {
      t.match(code, /^TURND_ERR_[A-Z]+(_[A-Z]+)*$/)
      t.match(meaning, /^[A-Z].*\.$/)
    }
  })

  t.test('is what a TurndError carries', async (t) => {
    const cause = new Error('cause')
    const error = new TurndError('TURND_ERR_OPTION', 'a sentence', { cause })
    t.match(error, { name: 'TurndError', code: 'TURND_ERR_OPTION', message: 'a sentence', cause })
    t.ok(error instanceof Error)
  })
})
