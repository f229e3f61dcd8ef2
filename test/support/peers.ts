// Which programs and abilities of the machine tests can use. A test that lacks one is skipped with the reason,
// except with CI=true: there a missing peer is a failure. scripts/install-peers.sh installs what Debian has.
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'

export type Peer =
  | 'turnutils_uclient'
  | 'turnutils_oauth'
  | 'turnutils_natdiscovery'
  | 'stun'
  | 'turnserver'
  | 'turnadmin'
  | 'sqlite3'
  | 'chromium'
  | 'firefox'
  | 'certutil'
  | 'libnice'
  | 'aioice'
  | 'haproxy'
  | 'nginx'
  | 'openssl'
  | 'network namespaces'
  | 'IPv6 loopback'
  | 'C compiler'
  | 'C compiler for arm64'
  | 'strace'
  | 'systemd-analyze'
  | 'faketime'
  | 'prometheus'
  | 'tshark'
  | 'nft'
  | 'dnsmasq'
  | 'named-checkzone'
  | 'redis-server'

/** For tap's `skip`: false when all peers are there, else why the test is skipped. Throws instead with CI=true. */
export function peerOrSkip(...peers: Peer[]): string | false {
  const missing = peers.map((peer) => PROBES[peer]()).filter((reason) => reason !== null)
  if (missing.length === 0) return false
  const reason = missing.join('; ')
  if (process.env.CI === 'true') throw new Error(`with CI=true every peer must be there: ${reason}`)
  return reason
}

/** The path of an installed command. Administrators' directories count too: they are not in every user's PATH. */
export function findCommand(name: string): string | null {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  for (const directory of directories) {
    const path = join(directory, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this directory.
    }
  }
  return null
}

/** Debian's own: what its packages bring is not there for another one of the PATH. */
export const DEBIAN_PYTHON = '/usr/bin/python3'

/** Where Debian puts libfaketime's form for threads, by processor. */
export const FAKETIME_LIBRARIES = ['x86_64', 'aarch64'].map(
  (processor) => `/usr/lib/${processor}-linux-gnu/faketime/libfaketimeMT.so.1`,
)

/** The first of these files that is there. */
export function findFile(paths: readonly string[]): string | null {
  return paths.find((path) => existsSync(path)) ?? null
}

/** Each says what is missing, or null. */
const PROBES: Record<Peer, () => string | null> = {
  turnutils_uclient: () => missingCommand('turnutils_uclient', 'coturn'),
  turnutils_oauth: () => missingCommand('turnutils_oauth', 'coturn'),
  turnutils_natdiscovery: () => missingCommand('turnutils_natdiscovery', 'coturn'),
  stun: () => missingCommand('stun', 'stun-client'),
  turnserver: () => missingCommand('turnserver', 'coturn'),
  turnadmin: () => missingCommand('turnadmin', 'coturn'),
  sqlite3: () => missingCommand('sqlite3', 'sqlite3'),
  chromium: () => missingCommand('chromium', 'chromium'),
  firefox: () => missingCommand('firefox-esr', 'firefox-esr'),
  certutil: () => missingCommand('certutil', 'libnss3-tools'),
  libnice: () => missingPython('import gi; gi.require_version("Nice", "0.1")', 'python3-gi gir1.2-nice-0.1'),
  aioice: () => missingPython('import aioice', 'python3-aioice'),
  haproxy: () => missingCommand('haproxy', 'haproxy'),
  nginx: () => missingCommand('nginx', 'nginx'),
  openssl: () => missingCommand('openssl', 'openssl'),
  'network namespaces': missingNamespaces,
  'IPv6 loopback': () =>
    Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
      ? null
      : 'this machine has no IPv6 loopback address (::1)',
  'C compiler': () => missingCommand('gcc', 'gcc') ?? missingFile('/usr/include/netinet/udp.h', 'libc6-dev'),
  'C compiler for arm64': () =>
    missingCommand('aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu') ??
    missingFile('/usr/aarch64-linux-gnu/include/netinet/udp.h', 'libc6-dev-arm64-cross') ??
    missingFile('/usr/aarch64-linux-gnu/include/linux/errqueue.h', 'linux-libc-dev-arm64-cross'),
  strace: () => missingCommand('strace', 'strace'),
  prometheus: () => missingCommand('prometheus', 'prometheus') ?? missingCommand('promtool', 'prometheus'),
  'systemd-analyze': () => missingCommand('systemd-analyze', 'systemd'),
  nft: () => missingCommand('nft', 'nftables'),
  dnsmasq: () => missingCommand('dnsmasq', 'dnsmasq-base'),
  'named-checkzone': () => missingCommand('named-checkzone', 'bind9-utils'),
  'redis-server': () => missingCommand('redis-server', 'redis-server') ?? missingCommand('turnadmin', 'coturn'),
  tshark: () => missingCommand('tshark', 'tshark'),
  faketime: () => (findFile(FAKETIME_LIBRARIES) === null ? missingFile(FAKETIME_LIBRARIES[0], 'faketime') : null),
}

function missingCommand(name: string, debianPackage: string): string | null {
  if (findCommand(name) !== null) return null
  return `${name} is not installed (apt-get install --no-install-recommends ${debianPackage})`
}

function missingFile(path: string, debianPackage: string): string | null {
  if (existsSync(path)) return null
  return `${path} is not installed (apt-get install --no-install-recommends ${debianPackage})`
}

function missingPython(program: string, debianPackages: string): string | null {
  const { status } = spawnSync(DEBIAN_PYTHON, ['-c', program], { stdio: 'ignore', timeout: 60_000 })
  if (status === 0) return null
  return `${DEBIAN_PYTHON} does not run '${program}' (apt-get install --no-install-recommends ${debianPackages})`
}

function missingNamespaces(): string | null {
  const missing = missingCommand('ip', 'iproute2')
  if (missing !== null) return missing
  if (process.getuid?.() !== 0) return 'only root can make a network namespace'
  try {
    // Root in a container without the capability cannot make one either.
    execFileSync('unshare', ['--net', 'true'], { stdio: 'pipe', timeout: 60_000 })
    return null
  } catch {
    return 'this machine does not let root make a network namespace'
  }
}
