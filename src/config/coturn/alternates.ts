// The other servers that coturn sends its clients to: all clients, always, which is --alternate with --alternate-above 0.
import { formatHost, hostAddress } from '../../stun/address.js'
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { formatAddressPort } from '../ip-address.js'
import type { Conf } from './conf.js'

const PORT_DEFAULT = 3478
const PORT_DEFAULT_TLS = 5349

/** What clients each of them is for; without a scheme for those that have none of their own. */
const SCHEMES: Readonly<Record<string, readonly string[]>> = {
  'alternate-server': [''],
  'udp-alternate-server': ['udp:'],
  'tcp-alternate-server': ['tcp:'],
  'tls-alternate-server': ['tls:', 'dtls:'],
}

export function importAlternates(conf: Conf, options: ImportedOptions): void {
  for (const [name, schemes] of Object.entries(SCHEMES)) {
    for (const line of conf.all(name)) importOne(line, schemes, options)
  }
}

function importOne(line: ImportLine, schemes: readonly string[], options: ImportedOptions): void {
  const place = withPort(line.value, line.name === 'tls-alternate-server' ? PORT_DEFAULT_TLS : PORT_DEFAULT)
  for (const scheme of schemes) options.give('alternate', `${scheme}${place}`, line)
  options.give('alternate-above', '0', line)
  options.judge(line, 'applied', '--alternate, and --alternate-above 0: every client is sent there, as in coturn')
}

/** coturn takes an address without a port for its own default one; IPv6 may have no brackets then. */
function withPort(value: string, portDefault: number): string {
  const address = hostAddress(value.replace(/^\[(.*)\]$/, '$1'))
  return address === null ? value : formatAddressPort(formatHost(address), portDefault)
}
