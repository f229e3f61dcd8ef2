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
  overlaps,
  parseBlockRange,
  parseRange,
  subtract,
} from './address-ranges.js'
import type { Conf } from './conf.js'

const LOOPBACKS = ['127.0.0.0-127.255.255.255', '::1'].map((text) => parseRange(text)!)
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((block) => parseBlockRange(block)!)
/** What coturn 4.17 refuses whatever the file allows: link-local (the metadata services of clouds), unique-local, site-local. */
const INTERNAL = ['169.254.0.0/16', 'fe80::/10', 'fc00::/7', 'fec0::/10'].map((block) => parseBlockRange(block)!)
/** A peer in this form is judged by its IPv4 address. */
const IPV4_MAPPED = parseRange('::ffff:0.0.0.0-::ffff:255.255.255.255')!

export function importPeers(conf: Conf, options: ImportedOptions): void {
  const isLoopbackOpen = conf.isOn('allow-loopback-peers')
  const open: AddressRange[] = []
  for (const line of conf.all('allowed-peer-ip')) {
    const range = allowedRange(line, options)
    const parts = subtract(range, [...INTERNAL, IPV4_MAPPED, ...(isLoopbackOpen ? [] : LOOPBACKS)])
    open.push(...giveBlocks(options, 'allow-peer', parts.flatMap(blocksOf), line))
    if (parts.length > 0) {
      options.applied(line, 'allow-peer')
      remarkWideRange(line, range, options)
    } else judgeClosed(line, range, options)
  }
  for (const line of conf.all('allow-loopback-peers')) {
    if (isLoopbackOpen) open.push(...giveBlocks(options, 'allow-peer', LOOPBACKS.flatMap(blocksOf), line))
    options.applied(line, 'allow-peer')
  }
  const openSet = new AddressSet(open)
  const denied = conf.all('denied-peer-ip').map((line) => importDenied(line, options, openSet))
  if (open.length > 0 || denied.some((range) => contains(range, PRIVATE_NETWORKS[0]))) return
  options.remark(
    'peers in private networks are refused unless a rule allows them, which coturn does not: if clients must reach some, give --allow-peer CIDR',
    'allow-peer',
  )
}

/** What such a range opens beside what was meant. */
function remarkWideRange({ line }: ImportLine, range: AddressRange, options: ImportedOptions): void {
  const named = (blocks: readonly AddressRange[]) =>
    blocks
      .filter((block) => overlaps(range, block))
      .flatMap(blocksOf)
      .join(', ')
  const internal = named(INTERNAL)
  if (internal !== '') {
    options.remark(
      `line ${line}: peers in ${internal} stay refused, as in coturn 4.17: only --allow-peer opens them, and takes the place of the file's rules`,
      'allow-peer',
    )
  }
  const isWider = PRIVATE_NETWORKS.some((block) => contains(range, block) && !contains(block, range))
  if (!isWider) return
  options.remark(
    `line ${line} opens private networks as well, as in coturn (${named(PRIVATE_NETWORKS)}): name what clients must reach alone, if that is not meant`,
    'allow-peer',
  )
}

/** Nothing is left of the line. */
function judgeClosed(line: ImportLine, range: AddressRange, options: ImportedOptions): void {
  if (!INTERNAL.some((block) => overlaps(range, block))) {
    options.judge(line, 'ignored', 'loopback is opened by allow-loopback-peers; IPv4 addresses are written as such')
  } else if (options.isAnswered('allow-peer')) options.judge(line, 'ignored', '--allow-peer says who is reached')
  else {
    const rule = blocksOf(range).length === 1 ? blocksOf(range)[0] : 'CIDR'
    options.judge(
      line,
      'needed',
      `coturn 4.17 refuses such peers whatever the file says, and so does this: if clients must reach them, give --allow-peer ${rule}, which takes the place of the file's rules`,
    )
  }
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
