// A firewall with static NAT before a server, in a namespace of its own: clients outside, one public address or more that stand for the server, and no
// way from the server to its own public address. Both labs are built on it (test/doctor, test/lab). nftables does the work.
import { execFileSync } from 'node:child_process'
import { connectNamespaces, type NetworkNamespace, setDefaultRoute } from './namespace.js'
import { findCommand } from './peers.js'

const NFT_MILLISECONDS_MAX = 60_000
const MTU = 1500

export interface StaticNat {
  /** Of all clients, CIDR. */
  readonly outside: string
  /** The first one is the source of what the server sends. */
  readonly publicAddresses: readonly string[]
  readonly server: string
  /** Which ports of the public addresses are let in, as nftables writes sets: `443, 3478-3489`. */
  readonly tcpPorts: string
  readonly udpPorts: string
  /** Rules and chains before whatever is known is let through. */
  readonly rules: readonly string[]
  readonly chains?: string
}

/** Connects `end` with the router, through which all its ways lead. */
export function plugIn(
  end: NetworkNamespace,
  address: string,
  router: NetworkNamespace,
  routerAddress: string,
  devices: { readonly end?: string; readonly router?: string } = {},
): void {
  const [one, two] = [
    { namespace: end, addresses: [`${address}/24`], ...(devices.end && { device: devices.end }) },
    { namespace: router, addresses: [`${routerAddress}/24`], ...(devices.router && { device: devices.router }) },
  ]
  connectNamespaces(one, two, MTU)
  setDefaultRoute(end, routerAddress)
}

/** Gives the namespace these rules: all of them, or none. */
export function loadRules(namespace: NetworkNamespace, rules: string): void {
  nft(namespace, ['-f', '-'], rules)
}

/** Packets by the name of the counter. */
export function readCounters(namespace: NetworkNamespace): Readonly<Record<string, number>> {
  const { nftables } = JSON.parse(nft(namespace, ['-j', 'list', 'counters'])) as { nftables: readonly Listed[] }
  const counters = nftables.flatMap(({ counter }) => (counter === undefined ? [] : [counter]))
  return Object.fromEntries(counters.map(({ name, packets }) => [name, packets]))
}

interface Listed {
  readonly counter?: { readonly name: string; readonly packets: number }
}

function nft(namespace: NetworkNamespace, words: readonly string[], input = ''): string {
  const [file, ...args] = [...namespace.prefix, findCommand('nft') ?? 'nft', ...words]
  return execFileSync(file, args, { input, encoding: 'utf8', stdio: 'pipe', timeout: NFT_MILLISECONDS_MAX })
}

/**
 * What was not translated is not let through, as nobody outside knows the server's own address. What the server sends to a public address is not turned
 * back, as most firewalls would not: it ends here, and the counter `reflected` has it.
 */
export function staticNat({
  chains = '',
  outside,
  publicAddresses,
  rules,
  server,
  tcpPorts,
  udpPorts,
}: StaticNat): string {
  const publicSet = `{ ${publicAddresses.join(', ')} }`
  return `
table ip nat {
  chain before {
    type nat hook prerouting priority dstnat;
    ip saddr ${outside} ip daddr ${publicSet} dnat to ${server};
  }
  chain after { type nat hook postrouting priority srcnat; ip saddr ${server} snat to ${publicAddresses[0]}; }
}
table ip filter {
  counter reflected { }
  chain entry {
    type filter hook prerouting priority mangle;
    ip saddr ${server} ip daddr ${publicSet} counter name reflected drop;
  }
${chains}
  chain forward {
    type filter hook forward priority filter; policy drop;
${rules.map((rule) => `    ${rule}`).join('\n')}
    ct state established,related accept
    ip saddr ${server} accept
    ct status dnat tcp dport { ${tcpPorts} } accept
    ct status dnat udp dport { ${udpPorts} } accept
  }
}
`
}
