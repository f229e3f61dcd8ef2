// What one option's parser cannot see: whether the options fit each other. Called by settle.ts, and by a reload for what
// comes into force of them.
// Each check throws TurndError with one sentence, or returns warnings.
import { WORKER_COUNT_MAX } from '../limits/turn.js'
import { FAMILY_IPV4 } from '../stun/address.js'
import { type Cidr, cidrContains, parseCidr } from '../stun/cidr.js'
import { alternateWarnings, checkAlternates } from './alternate-checks.js'
import type { ExternalIp } from './external-ip.js'
import { familyOf } from './ip-address.js'
import { checkAdminListen, checkHttpUpstream, checkListen, TRANSPORTS } from './listen-checks.js'
import { checkNatDiscovery, natDiscoveryWarnings } from './nat-discovery.js'
import { printable } from './printable.js'
import { fail, Names } from './setting-names.js'
import type { SettingKey, Settings } from './settings.js'
import type { ResolvedOption, Source } from './source.js'
import { checkRedis, redisWarnings } from './store-checks.js'
import { webhookWarnings } from './webhook-checks.js'

/** Returns warnings; throws TurndError. `naming` is how options that nobody gave are called. */
export function crossCheck(
  settings: Settings,
  resolved: ReadonlyMap<SettingKey, ResolvedOption>,
  naming: Source,
): string[] {
  const names = new Names(resolved, naming)
  checkPortRange(settings, names)
  checkListen(settings, names)
  checkAdminListen(settings, names)
  checkRelayIp(settings, names)
  checkExternalIp(settings, names)
  checkUser(settings, names)
  checkCertificate(settings, names)
  checkWorkers(settings, names)
  checkHttpUpstream(settings, names)
  checkRedis(settings, names)
  checkSecretLifetime(settings, names)
  checkNatDiscovery(settings, names)
  checkAlternates(settings, names)
  return [
    ...quotaWarnings(settings, names),
    ...bandwidthWarnings(settings, names),
    ...loopbackWarnings(settings, names),
    ...httpUpstreamWarnings(settings, names),
    ...redisWarnings(settings, names),
    ...proxyWarnings(settings, names),
    ...relayRangeWarnings(settings, names),
    ...webhookWarnings(settings, names),
    ...natDiscoveryWarnings(settings, names),
    ...alternateWarnings(settings, names),
  ]
}

function checkPortRange({ minPort, maxPort }: Settings, names: Names): void {
  if (maxPort > minPort) return
  const like = names.has('minPort') ? 'minPort' : 'maxPort'
  const example = `${names.name('minPort', like, '24000')} ${names.name('maxPort', like, '29999')}`
  const [low, high] = [names.value('minPort'), names.value('maxPort')]
  if (minPort > maxPort) fail(`${low} is above ${high}: give a range such as ${example}`)
  fail(`${low} and ${high} are a range of one port: a relay with its pair takes 2, such as in ${example}`)
}

function checkRelayIp({ relayIp }: Settings, names: Names): void {
  const repeated = relayIp.findIndex((host, index) => relayIp.indexOf(host) !== index)
  if (repeated >= 0) fail(`${names.value('relayIp', repeated)} is given twice: keep one of them`)
}

function checkExternalIp({ externalIp, relayIp }: Settings, names: Names): void {
  for (const [index, mapping] of externalIp.entries()) {
    const shown = names.value('externalIp', index)
    const rival = externalIp.findIndex((other) => contradicts(other, mapping))
    if (rival < index) fail(`${shown} contradicts ${names.value('externalIp', rival)}: keep one of them`)
    if (relayIp.length > 0) checkStandsForRelayIp(mapping, relayIp, shown, names.name('relayIp', 'externalIp'))
  }
}

/** Two mappings exclude each other (a mapping does so with itself) when a packet for one could be for the other. */
function contradicts(one: ExternalIp, other: ExternalIp): boolean {
  if (one.publicHost === other.publicHost) return true
  if (familyOf(one.publicHost) !== familyOf(other.publicHost)) return false
  return one.privateHost === null || other.privateHost === null || one.privateHost === other.privateHost
}

function checkStandsForRelayIp(
  mapping: ExternalIp,
  relayIp: readonly string[],
  shown: string,
  relayName: string,
): void {
  const { publicHost, privateHost } = mapping
  const family = familyOf(publicHost)
  const candidates = relayIp.filter((host) => familyOf(host) === family)
  if (privateHost !== null && !candidates.includes(privateHost)) {
    fail(`${shown} maps ${privateHost}, which is not a ${relayName}: those are ${relayIp.join(', ')}`)
  }
  if (privateHost !== null || candidates.length === 1) return
  const familyName = family === FAMILY_IPV4 ? 'IPv4' : 'IPv6'
  if (candidates.length === 0) fail(`${shown} has no ${familyName} ${relayName} to stand for: give one`)
  fail(`${shown} could stand for ${candidates.join(' or ')}: give PUBLIC/PRIVATE`)
}

function checkUser({ user }: Settings, names: Names): void {
  const seen = new Set<string>()
  for (const { name } of user) {
    if (seen.has(name)) fail(`${names.name('user', 'user', printable(name))} is given twice: keep one of them`)
    seen.add(name)
  }
}

function checkCertificate({ cert, key, listen }: Settings, names: Names): void {
  if (cert !== null && key === null) fail(`${names.value('cert')} needs ${names.name('key', 'cert')} as well`)
  if (key !== null && cert === null) fail(`${names.value('key')} needs ${names.name('cert', 'key')} as well`)
  const secure = listen.findIndex(({ scheme }) => scheme === 'tls' || scheme === 'dtls')
  if (secure < 0 || cert !== null) return
  const options = `${names.name('cert', 'listen', 'FILE')} ${names.name('key', 'listen', 'FILE')}`
  fail(`${names.value('listen', secure)} needs a certificate: give ${options}, or make one with turnd cert --name NAME`)
}

/** The default one is as long as it may be; one that is given is what the service issues. */
function checkSecretLifetime({ authSecretLifetime, authSecretLifetimeMax }: Settings, names: Names): void {
  const isWithin = authSecretLifetimeMax === 0 || authSecretLifetime <= authSecretLifetimeMax
  if (isWithin || !names.has('authSecretLifetime')) return
  const [lifetime, max] = [names.value('authSecretLifetime'), names.value('authSecretLifetimeMax')]
  fail(`${lifetime} is more than ${max}, so that every new name would be refused: lower the one or raise the other`)
}

function checkWorkers({ streamWorkers, workers }: Settings, names: Names): void {
  if (workers === null || streamWorkers === null || workers + streamWorkers <= WORKER_COUNT_MAX) return
  const both = `${names.value('workers')} and ${names.value('streamWorkers')}`
  fail(`${both} are more than ${WORKER_COUNT_MAX} together: give one for each core`)
}

/** HTTP shares the port of TLS and of nothing else. */
function httpUpstreamWarnings({ httpName, httpUpstream, httpUpstreamCa, listen }: Settings, names: Names): string[] {
  const warnings: string[] = []
  if (httpName.length > 0 && httpUpstream === null) {
    const example = names.name('httpUpstream', 'httpName', 'https://HOST')
    warnings.push(
      `${names.value('httpName')} has no effect: there are no pages without a web server, such as ${example}`,
    )
  }
  if (httpUpstreamCa !== null && !httpUpstream?.startsWith('https:')) {
    const example = names.name('httpUpstream', 'httpUpstreamCa', 'https://HOST')
    warnings.push(`${names.value('httpUpstreamCa')} has no effect: it is for an upstream over TLS, such as ${example}`)
  }
  if (httpUpstream !== null && !listen.some(({ scheme }) => scheme === 'tls')) {
    const example = names.name('listen', 'httpUpstream', 'tls:*:443')
    warnings.push(
      `${names.value('httpUpstream')} has no effect: nobody reaches it without a TLS listener, such as ${example}`,
    )
  }
  return warnings
}

function quotaWarnings({ userQuota, maxAllocations }: Settings, names: Names): string[] {
  if (userQuota <= maxAllocations) return []
  return [`${names.value('userQuota')} is above ${names.value('maxAllocations')}, which is reached first`]
}

function bandwidthWarnings({ maxBps, userMaxBps }: Settings, names: Names): string[] {
  if (userMaxBps === 0 || maxBps <= userMaxBps) return []
  return [`${names.value('maxBps')} is above ${names.value('userMaxBps')}, which is reached first`]
}

const LOOPBACKS = [parseCidr('127.0.0.0/8')!, parseCidr('::1')!]

/** The operator's rules decide before the default denials, so a rule that is wider than loopback opens it too. */
function loopbackWarnings({ allowPeer }: Settings, names: Names): string[] {
  return allowPeer.flatMap(({ cidr }, index) => {
    if (!LOOPBACKS.some((loopback) => overlaps(cidr, loopback))) return []
    return [`${names.value('allowPeer', index)} opens loopback: clients reach the services of this machine there`]
  })
}

/** Blocks overlap when the wider one contains the other's first address. */
function overlaps(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b.address) || cidrContains(b, a.address)
}

function proxyWarnings({ listen, proxyProtocolFrom }: Settings, names: Names): string[] {
  const hasStreams = listen.some(({ scheme }) => TRANSPORTS[scheme].includes('TCP'))
  return proxyProtocolFrom.flatMap(({ prefixLength }, index) => {
    const shown = names.value('proxyProtocolFrom', index)
    if (!hasStreams) return [`${shown} has no effect: it is about TCP and TLS listeners, and there is none`]
    return prefixLength === 0
      ? [`${shown} lets everybody say which address they come from: name the proxies alone`]
      : []
  })
}

/** Harmless to clients (another port is tried), but never meant. */
function relayRangeWarnings({ listen, maxPort, minPort }: Settings, names: Names): string[] {
  return listen.flatMap(({ port, scheme }, index) => {
    if (port < minPort || port > maxPort || !TRANSPORTS[scheme].includes('UDP')) return []
    return [
      `${names.value('listen', index)} lies in the range of relay ports, ${minPort}-${maxPort}: choose another port`,
    ]
  })
}
