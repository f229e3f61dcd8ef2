// Where coturn relays: its addresses, what stands for them behind NAT, and the range of ports.
import { formatHost, hostAddress } from '../../stun/address.js'
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { isLoopbackHost } from '../ip-address.js'
import { isWildcardHost } from '../listen-spec.js'
import { printable } from '../printable.js'
import type { Conf } from './conf.js'

const MIN_PORT_DEFAULT = '49152'
const MAX_PORT_DEFAULT = '65535'

export function importRelays(conf: Conf, options: ImportedOptions): void {
  const relayHosts = importRelayIps(conf, options)
  importExternalIps(conf, options, relayHosts)
  importPort(conf, options, 'min-port', MIN_PORT_DEFAULT)
  importPort(conf, options, 'max-port', MAX_PORT_DEFAULT)
  const isUnsaid = (name: string) => conf.last(name) === null && !options.isAnswered(name)
  if (isUnsaid('min-port') || isUnsaid('max-port')) {
    const [low, high] = [
      conf.last('min-port')?.value ?? MIN_PORT_DEFAULT,
      conf.last('max-port')?.value ?? MAX_PORT_DEFAULT,
    ]
    options.remark(`the range of relay ports is ${low}-${high}, since what the file does not say of it is as in coturn`)
  }
}

/** What is not said is coturn's range: the firewall is open for it. */
function importPort(conf: Conf, options: ImportedOptions, name: string, portDefault: string): void {
  const line = conf.last(name)
  options.give(name, line?.value ?? portDefault, line)
  for (const one of conf.all(name)) options.applied(one, name)
}

/** Without relay-ip coturn relays where it listens. Returns what there is; none where the system chooses. */
function importRelayIps(conf: Conf, options: ImportedOptions): string[] {
  const lines = conf.all('relay-ip')
  for (const line of lines) {
    options.give('relay-ip', line.value, line)
    options.applied(line, 'relay-ip')
  }
  if (lines.length > 0) return lines.map(({ value }) => value)
  const listening = conf.all('listening-ip')
  if (listening.some(({ value }) => value === '' || isWildcardHost(value))) return []
  const reachable = listening.filter(({ value }) => !isLoopbackHost(value))
  // Relays on loopback reach nobody: they are for who has nothing else.
  const chosen = reachable.length > 0 ? reachable : listening
  for (const line of chosen) {
    options.give('relay-ip', line.value, line)
    options.applied(line, 'listen', 'relay-ip')
  }
  return chosen.map(({ value }) => value)
}

function importExternalIps(conf: Conf, options: ImportedOptions, relayHosts: readonly string[]): void {
  const lines = conf.all('external-ip').filter((line) => line.value !== '' && !isName(line, options))
  const mapped = lines.filter(({ value }) => value.includes('/'))
  const plain = lines.filter(({ value }) => !value.includes('/'))
  for (const line of mapped) importMapping(line, options, relayHosts)
  for (const [index, line] of plain.entries()) {
    if (index > 0) options.judge(line, 'ignored', 'coturn takes the first external-ip without a private address alone')
    else importPlain(line, options, relayHosts, mapped)
  }
}

/** coturn looks a name up, once, at its start; this server is told addresses. */
function isName(line: ImportLine, options: ImportedOptions): boolean {
  const name = line.value.split('/').find((part) => /^(?=.*[a-z])[a-z0-9._-]+$/i.test(part.trim()))
  if (name === undefined) return false
  if (options.isAnswered('external-ip')) options.judge(line, 'ignored', '--external-ip is given')
  else {
    options.refuseAtEnd(
      line,
      `external-ip: ${printable(name)} is a host name, which coturn looks up at its start: write the address that "getent ahosts ${printable(name)}" prints in its place, or give --external-ip`,
    )
  }
  return true
}

/** coturn tells it for every relay address of the family that has none of its own, loopback apart. */
function importPlain(
  line: ImportLine,
  options: ImportedOptions,
  relayHosts: readonly string[],
  mapped: readonly ImportLine[],
): void {
  const family = hostAddress(line.value)?.family
  const own = mapped.map((one) => canonical(privateHostOf(one)))
  const all = relayHosts.length > 0 ? [...new Set(relayHosts.map(canonical))] : own
  const ofFamily = all.filter((host) => hostAddress(host)?.family === family)
  const hosts = ofFamily.filter((host) => !isLoopbackHost(host) && !own.includes(host))
  const isOpen = family === undefined || all.length === 0 || options.isAnswered('relay-ip', 'external-ip')
  if (isOpen || (hosts.length === 1 && ofFamily.length === 1)) give(line, options)
  else if (hosts.length === 0) options.judge(line, 'ignored', 'no relay address is left that it could stand for')
  else if (hosts.length === 1) give({ ...line, value: `${line.value}/${hosts[0]}` }, options, line)
  else {
    options.refuse(
      line,
      `external-ip: coturn tells ${line.value} for ${hosts.join(' and ')} alike, of which it can reach one: keep that one with relay-ip=${hosts[0]}, or give external-ip=PUBLIC/PRIVATE for each`,
    )
  }
}

function importMapping(line: ImportLine, options: ImportedOptions, relayHosts: readonly string[]): void {
  const privateHost = privateHostOf(line)
  if (relayHosts.length === 0) options.give('relay-ip', privateHost, line)
  else if (!relayHosts.some((host) => canonical(host) === canonical(privateHost))) {
    options.judge(line, 'ignored', 'no relay is opened on its private address')
    return
  }
  give(line, options)
}

function privateHostOf({ value }: ImportLine): string {
  return value.slice(value.indexOf('/') + 1).trim()
}

function canonical(host: string): string {
  const address = hostAddress(host)
  return address === null ? host : formatHost(address)
}

/** @param judged the line of the file, where the value is another */
function give(line: ImportLine, options: ImportedOptions, judged = line): void {
  const value = line.value.replace(/\s*\/\s*/, '/')
  options.give('external-ip', value, line)
  options.applied(judged, 'external-ip')
}
