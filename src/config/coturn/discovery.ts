// NAT behaviour discovery of coturn (rfc5780, alt-listening-port): it has it where it listens on two addresses of one family, and without them it starts
// and says so. Here --nat-discovery would be an error without them, and a file that coturn takes is to be taken.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import type { Conf } from './conf.js'

const FIRST_PORT_DEFAULT = '0'

export function importDiscovery(conf: Conf, options: ImportedOptions, hasUdp: boolean): void {
  const isWanted = conf.isOn('rfc5780')
  const isTaken = isWanted && hasUdp && hasTwoAddresses(conf)
  for (const line of conf.all('rfc5780')) judgeSwitch(line, options, isWanted, isTaken)
  const port = conf.last('alt-listening-port')
  if (port === null) return
  if (!isTaken) {
    options.judge(port, 'ignored', 'NAT behaviour discovery (rfc5780) is off')
  } else if (port.value === FIRST_PORT_DEFAULT) {
    options.judge(port, 'same', 'the port after the first one')
  } else {
    options.give('nat-discovery-port', port.value, port)
    options.applied(port, 'nat-discovery-port')
  }
}

function judgeSwitch(line: ImportLine, options: ImportedOptions, isWanted: boolean, isTaken: boolean): void {
  if (!isWanted) {
    options.judge(line, 'same', 'it is switched off')
  } else if (isTaken) {
    options.give('nat-discovery', true, line)
    options.applied(line, 'nat-discovery')
  } else {
    options.judge(line, 'ignored', 'it needs UDP, and two listening-ip of one family: with those it is --nat-discovery')
  }
}

function hasTwoAddresses(conf: Conf): boolean {
  const hosts = new Set(conf.all('listening-ip').map(({ value }) => value))
  return [true, false].some(
    (isIPv6) => [...hosts].filter((host) => host !== '' && host.includes(':') === isIPv6).length > 1,
  )
}
