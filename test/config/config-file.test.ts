import { resolve } from 'node:path'
import t from 'tap'
import { parseCommandLine } from '../../src/config/command-line.js'
import { readTextFile } from '../../src/config/read-text-file.js'
import { codeAndMessage, parse, refusal, turndErrorOf } from './refusals.js'

function fromFile(text: string) {
  return parse({ argv: ['--config', 'turnd.json'], files: { 'turnd.json': text } })
}

t.test('the file of --config', async (t) => {
  t.test('gives native values, text, and one value or a list', async (t) => {
    const { settings } = fromFile(
      '{"min-port": 25000, "max-port": "26000", "mobility": true, "rfc3489": "false", "relay-ip": "192.0.2.1"}',
    )
    t.match(settings, { minPort: 25000, maxPort: 26000, mobility: true, rfc3489: false, relayIp: ['192.0.2.1'] })
  })

  t.test('may begin with a byte order mark and name its schema', async (t) => {
    t.equal(fromFile('\ufeff{"$schema": "./turnd.schema.json", "realm": "a"}').settings.realm, 'a')
  })

  t.test('overrides a default list by an empty one', async (t) => {
    const { settings, given } = fromFile('{"user": []}')
    t.same(settings.user, [])
    t.ok(given.has('user'))
  })

  t.test('is refused with one sentence that names the file, the key and the value', async (t) => {
    const rows: [string, string, string][] = [
      ['TURND_ERR_CONFIG_FILE', '', '--config turnd.json is not JSON: see line 1, column 1'],
      ['TURND_ERR_CONFIG_FILE', '{\n  "realm": hunter2\n}', '--config turnd.json is not JSON: see line 2, column 12'],
      ['TURND_ERR_CONFIG_FILE', '{"user": "bob:hunter2",}', '--config turnd.json is not JSON: see line 1, column 24'],
      [
        'TURND_ERR_CONFIG_FILE',
        '{\n  "user": ["bob:hunter2",\n]}',
        '--config turnd.json is not JSON: see line 3, column 1',
      ],
      ['TURND_ERR_CONFIG_FILE', '{"user": "bob:hunter2"', '--config turnd.json is not JSON: see line 1, column 23'],
      [
        'TURND_ERR_CONFIG_FILE',
        '["hunter2"]',
        '--config turnd.json is not a JSON object: give options as {"realm": "example.org", "min-port": 24000}',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        'null',
        '--config turnd.json is not a JSON object: give options as {"realm": "example.org", "min-port": 24000}',
      ],
      ['TURND_ERR_CONFIG_FILE', '{"min-prt": 1}', 'turnd.json: "min-prt" is not an option: did you mean "min-port"?'],
      ['TURND_ERR_CONFIG_FILE', '{"minPrt": 1}', 'turnd.json: "minPrt" is not an option: did you mean "min-port"?'],
      ['TURND_ERR_CONFIG_FILE', '{"MIN_PORT": 1}', 'turnd.json: "MIN_PORT" is not an option: did you mean "min-port"?'],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"--min-port": 1}',
        'turnd.json: "--min-port" is not an option: did you mean "min-port"?',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"listening-ip": "hunter2"}',
        'turnd.json: "listening-ip" is an option of coturn: here it is "listen"',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"xyzzy": 1}',
        'turnd.json: "xyzzy" is not an option: turnd --help lists them, without the dashes',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"__proto__": {"realm": "a"}}',
        'turnd.json: "__proto__" is not an option: turnd --help lists them, without the dashes',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"config": "b.json"}',
        'turnd.json: "config" cannot be in a file: a file names no other',
      ],
      [
        'TURND_ERR_CONFIG_FILE',
        '{"min-port": 1, "minPort": 2}',
        'turnd.json: "min-port" and "minPort" are the same option: keep one of them',
      ],
      [
        'TURND_ERR_OPTION',
        '{"min-port": [1, 2]}',
        'turnd.json: "min-port": [1,2] is a list: give a whole number from 1 to 65535',
      ],
      [
        'TURND_ERR_OPTION',
        '{"min-port": {}}',
        'turnd.json: "min-port": {} is an object: give a whole number from 1 to 65535',
      ],
      [
        'TURND_ERR_OPTION',
        '{"min-port": true}',
        'turnd.json: "min-port": true is neither text nor a number: give a whole number from 1 to 65535',
      ],
      [
        'TURND_ERR_OPTION',
        '{"minPort": null}',
        'turnd.json: "min-port": null is no value: give a whole number from 1 to 65535',
      ],
      [
        'TURND_ERR_OPTION',
        '{"min-port": 1.5}',
        'turnd.json: "min-port": 1.5 is not a port: give a whole number from 1 to 65535',
      ],
      [
        'TURND_ERR_OPTION',
        '{"min-port": 1e21}',
        'turnd.json: "min-port": 1e+21 is not a port: give a whole number from 1 to 65535',
      ],
      ['TURND_ERR_OPTION', '{"realm": 5}', 'turnd.json: "realm": 5 is a number: give a realm in quotes'],
      ['TURND_ERR_OPTION', '{"mobility": 1}', 'turnd.json: "mobility": 1 is a number: give true or false'],
      [
        'TURND_ERR_OPTION',
        '{"listen": [["*"]]}',
        'turnd.json: "listen": ["*"] is a list: give [udp:|tcp:|tls:|dtls:]ADDRESS:PORT',
      ],
      [
        'TURND_ERR_OPTION',
        '{"listen": []}',
        'turnd.json: "listen" names no address: leave it out for every local address',
      ],
      [
        'TURND_ERR_OPTION',
        '{"engine": "fast"}',
        'turnd.json: "engine": "fast" is not an engine: give auto, native or dgram',
      ],
      [
        'TURND_ERR_OPTION',
        '{"auth-secret": {"a": "hunter2"}}',
        'turnd.json: "auth-secret": the value is an object: give a secret in quotes',
      ],
      [
        'TURND_ERR_OPTION',
        '{"auth-secret": ["a", 5]}',
        'turnd.json: "auth-secret": value 2 is a number: give a secret in quotes',
      ],
      [
        'TURND_ERR_OPTION',
        '{"user": {"name": "bob", "pass": "hunter2"}}',
        'turnd.json: "user": the value is not a user: give "NAME:PASSWORD" or {"name": …, "password": …}',
      ],
      [
        'TURND_ERR_OPTION',
        '{"user": {"name": "bob", "password": ""}}',
        'turnd.json: "user": bob has an empty password: give NAME:PASSWORD',
      ],
    ]
    for (const [code, text, message] of rows) {
      const error = turndErrorOf(() => fromFile(text))
      t.same(codeAndMessage(error), { code, message }, text)
      t.notMatch(`${error.message}${error.cause}`, /hunter2/)
    }
  })

  t.test('names the variable when TURND_CONFIG named the file', async (t) => {
    t.same(codeAndMessage(refusal({ environment: { TURND_CONFIG: 'gone.json' } })), {
      code: 'TURND_ERR_CONFIG_FILE',
      message: 'TURND_CONFIG=gone.json cannot be read: there is no such file',
    })
  })

  t.test('is read from the disk by readTextFile', async (t) => {
    const text = '{"realm": "disk"}'
    const directory = t.testdir({ 'turnd.json': text, 'longest.json': text.padEnd(1024 * 1024) })
    const file = resolve(directory, 'turnd.json')
    const longest = resolve(directory, 'longest.json')
    t.match(parseCommandLine(['--config', file], {}, readTextFile), { settings: { realm: 'disk' } })
    const rows: [string, string][] = [
      [resolve(directory, 'gone.json'), 'there is no such file'],
      [directory, 'it is a directory'],
      [resolve(file, 'below'), 'a part of the path is not a directory'],
      ['/dev/zero', 'it is larger than 1048576 bytes, so it is another file'],
    ]
    t.match(parseCommandLine(['--config', longest], {}, readTextFile), { settings: { realm: 'disk' } })
    for (const [path, reason] of rows) {
      const error = turndErrorOf(() => parseCommandLine(['--config', path], {}, readTextFile))
      t.match(error, { code: 'TURND_ERR_CONFIG_FILE' })
      t.match(error.message, new RegExp(`^--config .* cannot be read: ${reason}$`))
    }
  })
})
