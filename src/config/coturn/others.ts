// What of coturn's options takes more than a row of the table, and belongs to no other part: the status page, threads, the rest.
import { parsePublicName } from '../external-ip.js'
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { formatAddressPort } from '../ip-address.js'
import { printable } from '../printable.js'
import { ValueProblem } from '../value-type.js'
import type { Conf } from './conf.js'

export function importOthers(conf: Conf, options: ImportedOptions): void {
  importWebAdmin(conf, options)
  importThreads(conf, options)
  for (const line of conf.all('server-name')) importServerName(line, options, conf.isOn('oauth'))
  for (const line of conf.all('bps-capacity')) {
    if (/^0*$/.test(line.value)) options.judge(line, 'same', 'no limit')
    else {
      options.judge(
        line,
        'needed',
        'there is no limit for all allocations together: --user-max-bps and --max-bps limit users and allocations',
      )
    }
  }
  for (const line of conf.all('allocation-default-address-family')) {
    const isSame = line.value === 'ipv4' || line.value === ''
    const text = 'without REQUESTED-ADDRESS-FAMILY a relay is IPv4, as RFC 8656 §7.2 says'
    options.judge(line, isSame ? 'same' : 'ignored', text)
  }
}

/** It is off in coturn unless it is switched on; ours is at another address then. */
function importWebAdmin(conf: Conf, options: ImportedOptions): void {
  const switches = conf.all('web-admin')
  const ip = conf.last('web-admin-ip')
  const port = conf.last('web-admin-port')
  const parts = [...conf.all('web-admin-ip'), ...conf.all('web-admin-port')]
  if (!conf.isOn('web-admin')) {
    for (const line of parts)
      options.judge(line, 'ignored', 'web-admin is off: the status page is where it is by default')
    return
  }
  if (port !== null && !/^[0-9]{1,5}$/.test(port.value)) {
    options.refuse(port, `web-admin-port: ${printable(port.value)} is not a port`)
  }
  const address = formatAddressPort(ip?.value ?? '127.0.0.1', Number(port?.value ?? '8080'))
  options.give('admin-listen', address, ip ?? port ?? switches[0])
  for (const line of parts) options.applied(line, 'admin-listen')
  for (const line of switches) {
    options.judge(
      line,
      'needed',
      'the status page is there, but its users are not those of coturn: turnd user add NAME --admin adds one',
    )
  }
}

/** coturn's own. */
const COTURN_THREAD_COUNT_MAX = 128

/** coturn takes 0 for one thread, and more than it can have for as many as it can. */
function importThreads(conf: Conf, options: ImportedOptions): void {
  const threads = conf.last('relay-threads')
  const line = threads ?? conf.last('cpus')
  if (line !== null) {
    const count = /^[0-9]{1,6}$/.test(line.value)
      ? Math.min(Math.max(Number(line.value), 1), COTURN_THREAD_COUNT_MAX)
      : 0
    options.give('workers', count === 0 ? line.value : String(count), line)
  }
  for (const one of conf.all('relay-threads')) options.applied(one, 'workers')
  for (const one of conf.all('cpus')) {
    if (threads === null) options.applied(one, 'workers')
    else options.judge(one, 'ignored', 'relay-threads says how many')
  }
}

/** coturn uses it for OAuth alone, but people write the server's DNS name there. */
function importServerName(line: ImportLine, options: ImportedOptions, hasOAuth: boolean): void {
  if (hasOAuth) {
    options.give('oauth-server-name', line.value, line)
    options.applied(line, 'oauth-server-name')
    return
  }
  try {
    parsePublicName(line.value)
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    options.judge(line, 'ignored', 'it is not a DNS name: --public-name tells clients one')
    return
  }
  options.give('public-name', line.value, line)
  options.applied(line, 'public-name')
}
