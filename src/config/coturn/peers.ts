// Whom clients may reach: coturn's lists of ranges, of which the allowing one wins, as blocks of which the most specific one wins. Blocks nest
// or have nothing in common, so a denied one of which everything is allowed is left out, and all others are as they were.
import type { ImportedOptions, ImportLine } from '../imported-options.js'
import { printable } from '../printable.js'
import {
  type AddressRange,
  AddressSet,
  blocksOf,
  contains,
  formatRange,
  parseBlockRange,
  parseRange,
  subtract,
} from './address-ranges.js'
import type { Conf } from './conf.js'

const LOOPBACKS = ['127.0.0.0-127.255.255.255', '::1'].map((text) => parseRange(text)!)
const PRIVATE_NETWORK = parseBlockRange('10.0.0.0/8')!
/** A peer in this form is judged by its IPv4 address. */
const IPV4_MAPPED = parseRange('::ffff:0.0.0.0-::ffff:255.255.255.255')!

export function importPeers(conf: Conf, options: ImportedOptions): void {
  const isLoopbackOpen = conf.isOn('allow-loopback-peers')
  const open: AddressRange[] = []
  for (const line of conf.all('allowed-peer-ip')) {
    const parts = subtract(allowedRange(line, options), isLoopbackOpen ? [IPV4_MAPPED] : [IPV4_MAPPED, ...LOOPBACKS])
    open.push(...giveBlocks(options, 'allow-peer', parts.flatMap(blocksOf), line))
    if (parts.length > 0) options.applied(line, 'allow-peer')
    else
      options.judge(line, 'ignored', 'loopback is opened by allow-loopback-peers; IPv4 addresses are written as such')
  }
  for (const line of conf.all('allow-loopback-peers')) {
    if (isLoopbackOpen) open.push(...giveBlocks(options, 'allow-peer', LOOPBACKS.flatMap(blocksOf), line))
    options.applied(line, 'allow-peer')
  }
  const openSet = new AddressSet(open)
  const denied = conf.all('denied-peer-ip').map((line) => importDenied(line, options, openSet))
  if (open.length > 0 || denied.some((range) => contains(range, PRIVATE_NETWORK))) return
  options.remark(
    'peers in private networks are refused unless a rule allows them, which coturn does not: if clients must reach some, give --allow-peer CIDR',
  )
}

function importDenied(line: ImportLine, options: ImportedOptions, open: AddressSet): AddressRange {
  const { value } = line
  const range = parseRange(value) ?? parseBlockRange(value)
  if (range === null) return options.refuse(line, `${line.name}: ${printable(value)} is not ADDRESS or ADDRESS-ADDRESS`)
  if (parseRange(value) === null) {
    options.remark(
      `line ${line.line}: coturn 4.6 does not understand ${value} and denies nothing by it; here it counts`,
    )
  }
  const blocks = subtract(range, [IPV4_MAPPED]).flatMap(blocksOf)
  const closed = blocks.filter((block) => !open.contains(parseBlockRange(block)!))
  giveBlocks(options, 'deny-peer', closed, line)
  if (closed.length > 0) options.applied(line, 'deny-peer')
  else if (blocks.length > 0) options.judge(line, 'ignored', 'another line allows all of it, which wins in coturn')
  else options.judge(line, 'same', 'peers in this form are judged by their IPv4 address')
  return range
}

function allowedRange(line: ImportLine, options: ImportedOptions): AddressRange {
  const range = parseRange(line.value)
  if (range !== null) return range
  const block = parseBlockRange(line.value)
  // It opened nothing so far: nobody may be surprised by what it opens here.
  const hint = block === null ? '' : `: coturn ignores it, so write ${formatRange(block)} if that is meant`
  return options.refuse(line, `${line.name}: ${printable(line.value)} is not ADDRESS or ADDRESS-ADDRESS${hint}`)
}

function giveBlocks(
  options: ImportedOptions,
  name: string,
  blocks: readonly string[],
  line: ImportLine,
): AddressRange[] {
  for (const block of blocks) options.give(name, block, line)
  return blocks.map((block) => parseBlockRange(block)!)
}
