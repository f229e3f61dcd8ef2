// What operators write: options in every place where they may stand, arguments of subcommands, files of users and secrets, names. A refusal is
// a TurndError (of a single value: a ValueProblem) with one sentence; nothing else is ever thrown.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSecretFile } from '../../../src/auth/secret-file.js'
import { parseCertArguments } from '../../../src/commands/cert-arguments.js'
import { CommandError } from '../../../src/commands/command-words.js'
import { parseUserArguments } from '../../../src/commands/user-arguments.js'
import { parseCommandLine } from '../../../src/config/command-line.js'
import { readConfLines } from '../../../src/config/coturn/conf-file.js'
import { importCoturnConfig } from '../../../src/config/coturn/coturn-config.js'
import { TurndError } from '../../../src/config/errors.js'
import { importExpresswayConfig } from '../../../src/config/expressway/expressway-config.js'
import { readXConfiguration } from '../../../src/config/expressway/x-configuration.js'
import { formatAddressPort } from '../../../src/config/ip-address.js'
import { jsonErrorPosition } from '../../../src/config/json-error-position.js'
import { settingsFromObject } from '../../../src/config/library-options.js'
import { isWildcardHost, parseListenSpec } from '../../../src/config/listen-spec.js'
import { nearestOption } from '../../../src/config/nearest-name.js'
import { OPTIONS, type Option } from '../../../src/config/options.js'
import { parsePeerRule } from '../../../src/config/peer-rule.js'
import { printable, quoted } from '../../../src/config/printable.js'
import { hasControlCharacter, ValueProblem } from '../../../src/config/value-type.js'
import { escapeControls, escapeHidden } from '../../../src/log/escape.js'
import { formatHost } from '../../../src/stun/address.js'
import { SAMPLES } from '../../config/sample-options.js'
import { temporaryDirectory } from '../../support/certificate.js'
import { checkSentence, ensure, parsedOrRefused, type TextCase } from './parser-case.js'

const CONFIG_FILE = JSON.stringify(Object.fromEntries(OPTIONS.map(({ key, name }) => [name, SAMPLES[key].native])))
const SMALL_FILES = [
  '{"realm": "example.org", "min-port": 24000, "maxPort": 24999}',
  '{"user": [{"name": "alice", "password": "s3cret"}, "bob:pw"], "listen": ["udp:127.0.0.1:3479"], "rfc3489": true}',
  '{"allow-peer": "10.0.0.0/8", "tls": null, "$schema": "x"}',
]
const ALL_ARGUMENTS = OPTIONS.map(({ key, name }) => {
  const [text] = SAMPLES[key].texts
  return text === undefined ? `--${name}` : `--${name}\n${text}`
})
const ALL_VARIABLES = OPTIONS.map(({ environmentName, key }) => {
  return `${environmentName}=${SAMPLES[key].texts.join(',') || 'true'}`
})

const COTURN_FILES = [
  'listening-ip=10.0.0.5\nlistening-port=3478\ncert=/c.pem\npkey = /k.pem\nno-dtls\nuser=a:0x543e1aec5d3614f03141652d6ada51b2',
  'use-auth-secret\nstatic-auth-secret="north"\nrealm r\nexternal-ip=203.0.113.5/10.0.0.5\nmax-bps=64000\nno-tcp-relay',
  'denied-peer-ip=10.0.0.3-10.0.255.255\nallowed-peer-ip=10.0.1.1\ndenied-peer-ip=::1-::ffff:10.0.0.1\nallow-loopback-peers',
  'user=alice:secret\nmin-port=50000\nmax-port=51000\nweb-admin\nrelay-threads=4\naux-server=[::1]:33478\nminport=1',
]
const EXPRESSWAY_FILES = [
  '*c xConfiguration Traversal Server TURN Authentication Realm: "turnuser"\n*c xConfiguration Ethernet 1 IP V4 Address: "10.0.0.1"',
  'xConfiguration Traversal Server TURN PortRangeStart: 3478\nxConfiguration Traversal Server TURN PortRangeEnd: 3483\nxConfiguration SIP Mode: On',
]

/** Deeper than any stack. */
const DEEP = ['[', '{"a":', '[[],'].map((open) => open.repeat(20_000))

const noFile = () => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}

export function optionCases(): TextCase[] {
  return [...OPTIONS.map(optionCase), ...SOURCES, ...COMMANDS, ...VALUES]
}

function optionCase(option: Option): TextCase {
  const { bad, texts } = SAMPLES[option.key]
  return {
    name: `--${option.name}`,
    samples: [...texts, ...(bad === null ? [] : [bad]), 'true'],
    check: (text) => parsedOrRefused(() => option.type.parse(text), ValueProblem) !== null,
  }
}

/** The whole way to settings, from each source. */
const SOURCES: readonly TextCase[] = [
  {
    name: 'the command line',
    samples: [...ALL_ARGUMENTS, '--realm=a\n--user\nb:c', 'user\n--help', '-h', '--version', '--\nx'],
    check: (text) => settled(() => parseCommandLine(text.split('\n'), {}, noFile)),
  },
  {
    name: 'the environment',
    samples: [...ALL_VARIABLES, 'TURND_USER=a:b,c:d\\,e\nTURND_REALM=x', 'STATE_DIRECTORY=/a:/b'],
    check: (text) => settled(() => parseCommandLine([], environmentOf(text), noFile)),
  },
  {
    name: 'the file of --config',
    samples: [...SMALL_FILES, ...DEEP, CONFIG_FILE, '\ufeff{}', '[]', '{"realm": "a",}'],
    check: (text) => settled(() => parseCommandLine(['--config', 'file'], {}, () => text)),
  },
  {
    name: 'the file of --coturn-config',
    samples: COTURN_FILES,
    check: (text) => {
      const imported = parsedOrRefused(() => importCoturnConfig('turnserver.conf', text), TurndError)
      if (imported === null) return false
      const { notes } = imported.value.report
      const lineCount = notes.reduce((sum, { lines }) => sum + lines.length, 0)
      ensure(lineCount === readConfLines(text).length, 'a line without a verdict')
      return settled(() => parseCommandLine(['--coturn-config', 'file'], {}, () => text))
    },
  },
  {
    name: 'the file of --expressway-config',
    samples: EXPRESSWAY_FILES,
    check: (text) => {
      const imported = parsedOrRefused(() => importExpresswayConfig('expressway.txt', text), TurndError)
      if (imported === null) return false
      const { notes } = imported.value.report
      const lineCount = notes.reduce((sum, { lines }) => sum + lines.length, 0)
      const { others, settings } = readXConfiguration(text)
      ensure(lineCount === settings.length + others.length, 'a line without a verdict')
      return settled(() => parseCommandLine(['--expressway-config', 'file'], {}, () => text))
    },
  },
  {
    name: 'options of the library',
    samples: [...SMALL_FILES.map((text) => text.replace('min-port', 'minPort')), '{"workers": 1.5}', '{"realm": {}}'],
    check: (text) => {
      const options = jsonObject(text)
      return options !== null && settled(() => settingsFromObject(options))
    },
  },
]

const COMMANDS: readonly TextCase[] = [
  {
    name: 'turnd user',
    samples: [
      'add\nalice\n--realm\nexample.org\n--generate',
      'list\n--users-file=/x',
      'remove\nマトリックス',
      '--help',
    ],
    check: (text) => parsedOrRefused(() => parseUserArguments(text.split('\n'), {}), CommandError) !== null,
  },
  {
    name: 'turnd cert',
    samples: [
      '--name\nturn.example.org\n--days\n10',
      '--name=*.example.org\n--key-type\nrsa',
      '--name\n2001:db8::1\n--force',
    ],
    check: (text) => parsedOrRefused(() => parseCertArguments(text.split('\n')), CommandError) !== null,
  },
  {
    name: 'the file of --auth-secret-file',
    samples: ['north\nsouth\n', '# none\n\n', '  a b  \r\n'],
    check: (text) => {
      const path = secretPath()
      writeFileSync(path, text)
      const secrets = parsedOrRefused(() => loadSecretFile(path), TurndError)?.value ?? []
      rmSync(path)
      for (const secret of secrets) ensure(secret !== '' && !hasControlCharacter(secret), 'a secret of no line')
      return secrets.length > 0
    },
  },
]

const VALUES: readonly TextCase[] = [
  {
    name: 'the address of a listener',
    samples: SAMPLES.listen.texts.concat([
      '*:1',
      ':5349',
      '[::]',
      '0.0.0.0:0',
      'tls:1.2.3.4',
      'fd00::1',
      'dtls:[fe80::1]:9',
    ]),
    check: (text) => {
      const parsed = parsedOrRefused(() => parseListenSpec(text), ValueProblem)
      if (parsed === null) return false
      const { host, port, scheme } = parsed.value
      const written = `${scheme === 'any' ? '' : `${scheme}:`}${formatAddressPort(host, port)}`
      const again = parseListenSpec(written)
      ensure(again.host === host && again.port === port && again.scheme === scheme, `${written} is another one`)
      ensure(isWildcardHost(host) || !host.startsWith('*'), 'a host of its own kind')
      return true
    },
  },
  {
    name: 'a rule for peers',
    samples: [...SAMPLES.allowPeer.texts, '1.2.3.4:5-6', 'fd00::/8', '[::1]:1-65535', '0.0.0.0/0', '::/0'],
    check: (text) => {
      const parsed = parsedOrRefused(() => parsePeerRule(text, true), ValueProblem)
      if (parsed === null) return false
      const { cidr, portMax, portMin } = parsed.value
      const block = `${formatHost(cidr.address)}/${cidr.prefixLength}`
      const ports = portMin === 0 ? '' : `:${portMin}-${portMax}`
      const again = parsePeerRule(block.includes(':') && ports !== '' ? `[${block}]${ports}` : block + ports, true)
      ensure(again.cidr.address.equals(cidr.address) && again.cidr.prefixLength === cidr.prefixLength, 'another block')
      ensure(again.portMin === portMin && again.portMax === portMax, 'other ports')
      return true
    },
  },
  {
    name: 'where JSON ends',
    samples: [
      ...SMALL_FILES,
      '[1, 2.5e-3, "\\u00e9\\n", null, {"a": [{}]}]',
      '"\\ud800"',
      '-0',
      '[[[[[[1]]]]]]',
      ...DEEP,
    ],
    check: (text) => {
      const position = jsonErrorPosition(text)
      ensure((position === null) === isJson(text), `JSON.parse and the position (${JSON.stringify(position)}) differ`)
      return position === null
    },
  },
  {
    name: 'the nearest name',
    samples: OPTIONS.map(({ name }) => name),
    check: (text) => nearestOption(text.slice(0, 500)) !== null,
  },
  {
    name: 'what is shown of a value',
    samples: ['plain', 'with space', 'quo"te', '{"event":"x"}\n'],
    check: (text) => {
      for (const shown of [printable(text), quoted(text), escapeControls(text)]) if (shown !== '') checkShown(shown)
      const line = JSON.stringify({ text })
      ensure(JSON.parse(escapeHidden(line)).text === text, 'the escapes mean something else')
      return true
    },
  },
]

function settled(parse: () => object): boolean {
  const result = parsedOrRefused(parse, TurndError)
  if (result === null || !('warnings' in result.value)) return false
  for (const warning of result.value.warnings as string[]) checkSentence(warning)
  return true
}

function checkShown(text: string): void {
  ensure(
    !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(text),
    `control characters are shown: ${JSON.stringify(text)}`,
  )
}

function environmentOf(text: string): Record<string, string> {
  const pairs = text.split('\n').map((line) => {
    const equals = line.indexOf('=')
    return equals < 0 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)]
  })
  return Object.fromEntries(pairs)
}

function jsonObject(text: string): object | null {
  if (!isJson(text)) return null
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && !Array.isArray(value) ? value : null
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

let directory = ''

function secretPath(): string {
  directory ||= temporaryDirectory()
  return join(directory, 'secrets')
}
