// redis-userdb: the connection string of coturn (`ip=… dbname=… password=… port=… connect_timeout=…`) becomes --redis.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable } from '../printable.js'
import type { Conf } from './conf.js'

/** The names that coturn takes for each, the last one given counts. */
const NAMES = {
  host: ['host', 'ip', 'addr', 'ipaddr', 'hostaddr'],
  port: ['port', 'p'],
  database: ['dbname', 'db', 'database'],
  user: ['user', 'uname', 'name', 'username'],
  password: ['password', 'pwd', 'passwd', 'secret'],
  timeout: ['connect_timeout', 'timeout'],
  tls: ['tls', 'ssl'],
  ca: ['tls-ca', 'ca', 'cacert'],
  capath: ['tls-capath', 'capath'],
  cert: ['tls-cert', 'cert'],
  key: ['tls-key', 'clientkey'],
  sni: ['tls-sni', 'sni', 'servername'],
  verify: ['tls-verify', 'verify'],
} as const
type Part = keyof typeof NAMES

const ON = ['1', 'true', 'on', 'yes']
const OFF = ['none', '0', 'false']
const REALM_SETTINGS =
  'the settings of the realm that coturn reads from Redis (max-bps, user-quota, total-quota, allowed-peer-ip, denied-peer-ip) are not read: ' +
  'give --max-bps, --user-quota, --max-allocations, --allow-peer and --deny-peer'

/** Does the file give a Redis server? */
export function importRedis(conf: Conf, options: ImportedOptions): boolean {
  const line = conf.last('redis-userdb')
  if (line === null) return false
  // The line of coturn's example: it has no Redis yet.
  if (/=<[a-z-]+>/.test(line.value)) {
    options.judge(line, 'needed', "it has the words of coturn's example: say where Redis is")
    return false
  }
  if (/^(?:rediss?:\/\/|unix:)/i.test(line.value)) {
    options.give('redis', line.value, line)
    options.applied(line, 'redis')
  } else importConnection(line, options)
  options.remark(REALM_SETTINGS)
  return true
}

function importConnection(line: ImportLine, options: ImportedOptions): void {
  const parts = partsOf(line, options)
  const { ca = '', database = '0', host = '127.0.0.1', password = '', port = '', user = '' } = parts
  const isTls = ON.includes(parts.tls ?? '')
  // coturn logs in with a password only.
  const name = password === '' ? '' : encodeURIComponent(user)
  const identity = password === '' ? '' : `${name}:${encodeURIComponent(password)}@`
  const place = `${host.includes(':') ? `[${host}]` : host}${Number(port) === 0 ? '' : `:${port}`}`
  options.give('redis', `${isTls ? 'rediss' : 'redis'}://${identity}${place}/${database}`, line)
  if (isTls && ca !== '') options.give('redis-ca', ca, line)
  if (name !== '') {
    options.remark(
      'the user of redis-userdb is told to Redis, as coturn does since 4.6.3: leave it out where Redis knows a password alone',
      'redis',
    )
  }
  const missing = isTls ? notHere(parts, host) : null
  if (missing !== null) options.judge(line, 'needed', missing)
  else options.applied(line, 'redis', ...(isTls && ca !== '' ? ['redis-ca'] : []))
}

/** What of its TLS has no option here. */
function notHere(
  { capath = '', cert = '', key = '', sni = '', verify = '' }: Partial<Record<Part, string>>,
  host: string,
) {
  if (cert !== '' || key !== '')
    return '--redis has no certificate of its own to show: let Redis ask for a password alone'
  if (OFF.includes(verify))
    return 'the certificate of Redis is always verified: give --redis-ca with that of its authority'
  if (capath !== '') return '--redis-ca is a file: give it with the certificates of that directory'
  if (sni !== '' && sni !== host)
    return `the certificate of Redis has to be for the host in --redis: give it as ${printable(sni)}`
  return null
}

function partsOf(line: ImportLine, options: ImportedOptions): Partial<Record<Part, string>> {
  const parts: Partial<Record<Part, string>> = {}
  for (const token of line.value.split(' ').filter((token) => token !== '')) {
    const equals = token.indexOf('=')
    const name = token.slice(0, Math.max(equals, 0))
    const part = (Object.keys(NAMES) as Part[]).find((part) => (NAMES[part] as readonly string[]).includes(name))
    // What follows a space in a password may be anything: it is not shown.
    if (part === undefined) {
      const shown = /^[a-z_-]{1,20}$/.test(name) ? ` ${name}` : ''
      options.refuse(
        line,
        `redis-userdb: the value has a part${shown} that coturn does not know: give it as ip=… dbname=… password=…`,
      )
    }
    parts[part] = token.slice(equals + 1)
  }
  return parts
}
