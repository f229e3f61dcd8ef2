// `xConfiguration Ethernet 1|2 …`: the LANs. Relays are opened on the external one alone, and told by its static NAT address.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable } from '../printable.js'
import type { XLines } from './expressway-config.js'

interface Lan {
  readonly number: 1 | 2
  readonly address: ImportLine | null
  readonly natMode: ImportLine | null
  readonly natAddress: ImportLine | null
}

const UNSET = ['', '127.0.0.1', '0.0.0.0']

export function importLans(lines: XLines, options: ImportedOptions): void {
  const external = externalLan(lines, options)
  for (const number of [1, 2] as const) {
    const lan = lanOf(lines, number)
    if (number === external) importExternal(lan, options)
    else judgeInternal(lan, options)
  }
  importIpv6(lines, external, options)
}

function lanOf(lines: XLines, number: 1 | 2): Lan {
  const line = (name: string) => lines.get(`ethernet ${number} ip v4 ${name}`) ?? null
  return { number, address: line('address'), natMode: line('staticnat mode'), natAddress: line('staticnat address') }
}

/** Said, or the one that has static NAT, or LAN 1, as on a machine with one. */
function externalLan(lines: XLines, options: ImportedOptions): 1 | 2 {
  const said = lines.get('ip external interface')
  if (said !== undefined) {
    const number = /^LAN([12])$/i.exec(said.value)?.[1]
    if (number === undefined) options.refuse(said, `${said.name}: ${printable(said.value)} is neither LAN1 nor LAN2`)
    options.applied(said, 'relay-ip')
    return number === '1' ? 1 : 2
  }
  return ([2, 1] as const).find((number) => hasNat(lanOf(lines, number))) ?? 1
}

function hasNat({ natMode, natAddress }: Lan): boolean {
  return /^on$/i.test(natMode?.value ?? '') && !UNSET.includes(natAddress?.value ?? '')
}

function importExternal(lan: Lan, options: ImportedOptions): void {
  const { address, natAddress, natMode } = lan
  if (address !== null && !UNSET.includes(address.value)) {
    options.give('relay-ip', address.value, address)
    options.applied(address, 'relay-ip')
  }
  if (natAddress === null || !hasNat(lan)) {
    judgeNoNat(lan, options)
    return
  }
  const isMapped = address !== null && !UNSET.includes(address.value)
  options.give('external-ip', isMapped ? `${natAddress.value}/${address.value}` : natAddress.value, natAddress)
  options.applied(natAddress, 'external-ip')
  if (natMode !== null) options.applied(natMode, 'external-ip')
}

function judgeNoNat({ natAddress, natMode }: Lan, options: ImportedOptions): void {
  const isOn = /^on$/i.test(natMode?.value ?? '')
  const text = isOn ? 'static NAT is on, without an address' : 'static NAT is off'
  if (natMode !== null) options.judge(natMode, isOn ? 'ignored' : 'same', text)
  if (natAddress !== null) options.judge(natAddress, 'ignored', text)
}

function judgeInternal({ address, natAddress, natMode }: Lan, options: ImportedOptions): void {
  if (address !== null) options.judge(address, 'same', 'it listens on every address, and relays on the external LAN')
  for (const line of [natMode, natAddress])
    if (line !== null) options.judge(line, 'ignored', 'relays are on the external LAN')
}

/** A relay address of IPv6 as well, where the machine speaks it. */
function importIpv6(lines: XLines, external: 1 | 2, options: ImportedOptions): void {
  const protocol = lines.get('ipprotocol') ?? null
  const line = lines.get(`ethernet ${external} ip v6 address`) ?? null
  const isSpoken = protocol !== null && /^(?:both|ipv6)$/i.test(protocol.value)
  if (isSpoken && line !== null && line.value !== '') {
    options.give('relay-ip', line.value, line)
    options.applied(line, 'relay-ip')
    options.applied(protocol, 'relay-ip')
  } else if (protocol !== null) options.judge(protocol, 'same', 'relays have the families of --relay-ip')
}
