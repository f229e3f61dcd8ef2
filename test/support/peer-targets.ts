// What an attacker wants to reach through the relay, and a server that stands in front of all of it.
import type { CoreHarnessOptions } from './core-harness.js'
import { OPERATOR_NAT64_PREFIXES } from './embeddings.js'

/** The server of the tests below: one relay address of its own, one behind static NAT, a listener and an admin page. */
export const LOCAL_HOST = '8.8.4.4'
export const PUBLIC_HOST = '9.9.9.10'
export const PRIVATE_HOST = '10.9.9.9'
export const RELAY_PORT_MIN = 24_000
export const RELAY_PORT_MAX = 24_999
export const TARGET_SERVER: CoreHarnessOptions = {
  relayHosts: [LOCAL_HOST, `${PUBLIC_HOST}/${PRIVATE_HOST}`, '2001:500:2::c'],
  minPort: RELAY_PORT_MIN,
  maxPort: RELAY_PORT_MAX,
  ownSockets: [
    ...[`${LOCAL_HOST}:3478`, `${PRIVATE_HOST}:3478`, '[2001:500:2::c]:3478', '127.0.0.1:8445'],
    ...[`${PUBLIC_HOST}:3478`, `${PUBLIC_HOST}:8445`],
  ],
  localHosts: [LOCAL_HOST, PRIVATE_HOST, '127.0.0.1', '2001:500:2::c', '::1'],
  nat64Prefixes: OPERATOR_NAT64_PREFIXES,
}

/** IPv4 transport addresses that no rule opens. */
export const ALWAYS_DENIED_TARGETS: readonly string[] = [
  '0.0.0.0:80',
  '0.0.0.2:80',
  '0.255.255.255:80',
  '224.0.0.1:80',
  '239.255.255.255:80',
  '255.255.255.255:80',
  // Our own sockets.
  `${LOCAL_HOST}:3478`,
  `${PRIVATE_HOST}:3478`,
  `${PUBLIC_HOST}:3478`,
  `${PUBLIC_HOST}:8445`,
  '127.0.0.1:8445',
  // The relay range, with nothing live in it.
  `${LOCAL_HOST}:${RELAY_PORT_MIN}`,
  `${LOCAL_HOST}:${RELAY_PORT_MAX}`,
  `${PRIVATE_HOST}:${RELAY_PORT_MIN}`,
  `${PUBLIC_HOST}:${RELAY_PORT_MAX}`,
]

/** IPv4 transport addresses that only a rule opens: first and last of each block of security.md. */
export const DENIED_BY_DEFAULT_TARGETS: readonly string[] = [
  ...['10.0.0.0:80', '10.255.255.255:80'],
  ...['100.64.0.0:80', '100.127.255.255:80'],
  ...['127.0.0.0:80', '127.0.0.1:80', '127.255.255.255:80'],
  ...['169.254.0.0:80', '169.254.169.254:80', '169.254.255.255:80'],
  ...['172.16.0.0:80', '172.31.255.255:80'],
  ...['192.0.0.0:80', '192.0.0.255:80'],
  ...['192.0.2.0:80', '192.0.2.255:80'],
  ...['192.31.196.0:80', '192.31.196.255:80'],
  ...['192.52.193.0:80', '192.52.193.255:80'],
  ...['192.88.99.0:80', '192.88.99.255:80'],
  ...['192.168.0.0:80', '192.168.255.255:80'],
  ...['192.175.48.0:80', '192.175.48.255:80'],
  ...['198.18.0.0:80', '198.19.255.255:80'],
  ...['198.51.100.0:80', '198.51.100.255:80'],
  ...['203.0.113.0:80', '203.0.113.255:80'],
  ...['240.0.0.0:80', '255.255.255.254:80'],
  '168.63.129.16:80',
  // This machine's other ports.
  ...[`${LOCAL_HOST}:22`, `${PRIVATE_HOST}:22`, `${PUBLIC_HOST}:22`],
]

/** The addresses next to the blocks above, which are on the Internet. */
export const ALLOWED_NEIGHBOURS: readonly string[] = [
  ...['1.0.0.0:80', '9.255.255.255:80', '11.0.0.0:80', '100.63.255.255:80', '100.128.0.0:80', '126.255.255.255:80'],
  ...['128.0.0.0:80', '169.253.255.255:80', '169.255.0.0:80', '172.15.255.255:80', '172.32.0.0:80'],
  ...['191.255.255.255:80', '192.0.1.0:80', '192.0.3.0:80', '192.31.195.255:80', '192.31.197.0:80'],
  ...['192.52.192.255:80', '192.52.194.0:80', '192.88.98.255:80', '192.88.100.0:80', '192.167.255.255:80'],
  ...['192.169.0.0:80', '192.175.47.255:80', '192.175.49.0:80', '198.17.255.255:80', '198.20.0.0:80'],
  ...['198.51.99.255:80', '198.51.101.0:80', '203.0.112.255:80', '203.0.114.0:80', '223.255.255.255:80'],
  ...['168.63.129.15:80', '168.63.129.17:80'],
]

/** IPv6 peers that no rule opens, and those that only a rule opens. */
export const ALWAYS_DENIED_IPV6: readonly string[] = [
  ...['[::]:80', '[ff00::]:80', '[ff02::1]:80', '[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[2001::1]:80', '[2001:0:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[2002::1]:80', '[2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[2001:500:2::c]:3478', `[2001:500:2::c]:${RELAY_PORT_MIN}`],
]

export const DENIED_BY_DEFAULT_IPV6: readonly string[] = [
  ...['[::1]:80', '[100::1]:80', '[1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[4000::]:80', '[5f00::1]:80', '[fc00::1]:80', '[fdff::1]:80', '[fe80::1]:80', '[febf::1]:80', '[fec0::1]:80'],
  ...['[2001:1::]:80', '[2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[2001:db8::]:80', '[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[2620:4f:8000::]:80', '[2620:4f:8000:ffff:ffff:ffff:ffff:ffff]:80'],
  ...['[3fff::]:80', '[3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff]:80'],
  '[2001:500:2::c]:22',
]

export const ALLOWED_NEIGHBOURS_IPV6: readonly string[] = [
  ...['[2000::]:80', '[2001:200::]:80', '[2001:db7:ffff:ffff:ffff:ffff:ffff:ffff]:80', '[2001:db9::]:80'],
  ...['[2003::]:80', '[2620:4f:7fff:ffff:ffff:ffff:ffff:ffff]:80', '[2620:4f:8001::]:80', '[3fff:1000::]:80'],
  ...['[3ffe::]:80', '[2a00:1450::1]:80'],
]
