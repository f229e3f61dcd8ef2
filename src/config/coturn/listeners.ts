// Where coturn listens, as values of --listen: each listening-ip with the plain port and, where there is a certificate, with that of TLS.
import { dirname, resolve } from 'node:path'
import { TurndError } from '../errors.js'
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { formatAddressPort } from '../ip-address.js'
import { printable, printablePath } from '../printable.js'
import type { Conf } from './conf.js'
import { importDiscovery } from './discovery.js'

const PORT_DEFAULT = '3478'
const PORT_DEFAULT_TLS = '5349'
/** Both families; coturn 4.6 finds the addresses one by one. */
const EVERYWHERE = '*'
const NOTHING_SECURE =
  'with TLS and DTLS off, or without cert and pkey, nothing listens there (coturn looks for turn_server_cert.pem and turn_server_pkey.pem)'
const SWITCHES = ['no-udp', 'no-tcp', 'no-tls', 'no-dtls', 'dtls']

interface Transports {
  readonly udp: boolean
  readonly tcp: boolean
  readonly tls: boolean
  readonly dtls: boolean
}

export function importListeners(conf: Conf, options: ImportedOptions): void {
  const transports = transportsOf(conf)
  const { tls, dtls } = transports
  importCertificate(conf, options, tls || dtls)
  const port = portOf(conf, options, 'listening-port', PORT_DEFAULT)
  const tlsPort = portOf(conf, options, 'tls-listening-port', PORT_DEFAULT_TLS)
  const named = conf.all('listening-ip')
  const hosts =
    named.length > 0 ? named.map((line) => ({ host: hostOf(line), line })) : [{ host: EVERYWHERE, line: null }]
  for (const { host, line } of hosts) {
    const origin = line ?? port.line ?? tlsPort.line
    const isShared = tls && port.text === tlsPort.text
    for (const scheme of plainSchemes(transports, isShared)) give(options, scheme, host, port.text, origin)
    if (tls) give(options, 'tls:', host, tlsPort.text, origin)
    // Plain UDP and DTLS cannot share a port.
    if (dtls && !(transports.udp && port.text === tlsPort.text)) {
      const value = `dtls:${formatAddressPort(host, Number(tlsPort.text))}`
      if (isDtlsWanted(conf)) options.give('listen', value, origin)
      else options.giveOptionalListener(value, origin)
    }
    if (line !== null && isAnything(transports)) options.applied(line, 'listen')
  }
  for (const line of conf.all('aux-server')) importAuxServer(line, options, transports)
  importProxyPort(conf, options)
  importDiscovery(conf, options, transports.udp)
  if (!options.has('listen')) {
    const path = printablePath(options.path)
    throw new TurndError('TURND_ERR_CONFIG_FILE', `${path} leaves no listener: UDP and TCP are off, and so is TLS`)
  }
  judge(conf, options, transports)
  if (tls && port.text !== tlsPort.text) {
    options.remark(
      `coturn takes TLS at port ${port.text} as well, and here it is at ${tlsPort.text} alone: if clients use it, --listen tls:*:${port.text} takes both`,
      'listen',
    )
  }
}

function isAnything({ dtls, tcp, tls, udp }: Transports): boolean {
  return udp || tcp || tls || dtls
}

function transportsOf(conf: Conf): Transports {
  const hasCertificate = conf.last('cert') !== null && conf.last('pkey') !== null
  const isDtlsOff = conf.isOn('no-dtls') || (conf.has('dtls') && !conf.isOn('dtls'))
  return {
    udp: !conf.isOn('no-udp'),
    tcp: !conf.isOn('no-tcp'),
    tls: hasCertificate && !conf.isOn('no-tls'),
    dtls: hasCertificate && !isDtlsOff,
  }
}

/** By a line, not by the default of coturn 4.6. */
function isDtlsWanted(conf: Conf): boolean {
  return conf.isOn('dtls') || conf.has('no-dtls')
}

/** '' is UDP and TCP. @param isShared a tls: listener at this port takes plain TCP as well */
function plainSchemes({ tcp, udp }: Transports, isShared: boolean): string[] {
  if (udp && tcp && !isShared) return ['']
  const schemes = udp ? ['udp:'] : []
  return tcp && !isShared ? [...schemes, 'tcp:'] : schemes
}

/** coturn takes an empty one for all IPv4 addresses. */
function hostOf({ value }: ImportLine): string {
  return value === '' ? '0.0.0.0' : value
}

function give(options: ImportedOptions, scheme: string, host: string, port: string, origin: ImportLine | null): void {
  options.give('listen', `${scheme}${formatAddressPort(host, Number(port))}`, origin)
}

function portOf(conf: Conf, options: ImportedOptions, name: string, portDefault: string) {
  const line = conf.last(name)
  if (line === null) return { text: portDefault, line }
  const port = /^[0-9]{1,5}$/.test(line.value) ? Number(line.value) : 0
  if (port < 1 || port > 65535) {
    options.refuse(line, `${name}: ${printable(line.value)} is not a port: give a whole number from 1 to 65535`)
  }
  return { text: String(port), line }
}

function importAuxServer(line: ImportLine, options: ImportedOptions, transports: Transports): void {
  for (const scheme of plainSchemes(transports, false)) options.give('listen', `${scheme}${line.value}`, line)
  options.applied(line, 'listen')
}

/** Whoever may tell another address must be named: nobody is until the operator says so. */
function importProxyPort(conf: Conf, options: ImportedOptions): void {
  const line = conf.last('tcp-proxy-port')
  if (line === null) return
  const { text } = portOf(conf, options, 'tcp-proxy-port', '')
  give(options, 'tcp:', EVERYWHERE, text, line)
  options.judge(
    line,
    'needed',
    `listens there, and believes no PROXY header yet: name the proxies with --proxy-protocol-from`,
  )
}

function importCertificate(conf: Conf, options: ImportedOptions, isSecure: boolean): void {
  const files = [
    { line: conf.last('cert'), option: 'cert', other: 'pkey', otherDefault: 'turn_server_pkey.pem' },
    { line: conf.last('pkey'), option: 'key', other: 'cert', otherDefault: 'turn_server_cert.pem' },
  ]
  for (const { line, option, other, otherDefault } of files) {
    if (line === null) continue
    if (conf.last(other) === null) {
      options.judge(
        line,
        'needed',
        `without ${other} coturn takes ${otherDefault} where it finds one, and here there is no TLS: add ${other} to the file`,
      )
    } else if (!isSecure) {
      options.judge(line, 'ignored', 'TLS and DTLS are off')
    } else {
      options.give(option, resolve(dirname(options.path), line.value), line)
      options.applied(line, option)
    }
  }
}

function judge(conf: Conf, options: ImportedOptions, transports: Transports): void {
  const { dtls, tcp, tls, udp } = transports
  for (const line of conf.all('listening-ip')) options.judge(line, 'ignored', 'UDP, TCP, TLS and DTLS are off')
  for (const line of conf.all('listening-port')) {
    if (udp || tcp) options.applied(line, 'listen')
    else options.judge(line, 'ignored', 'UDP and TCP are off')
  }
  for (const line of conf.all('tls-listening-port')) {
    if (tls || dtls) options.applied(line, 'listen')
    else options.judge(line, 'ignored', NOTHING_SECURE)
  }
  for (const name of SWITCHES) for (const line of conf.all(name)) options.applied(line, 'listen')
}
