// `turnd dns`: the DNS records of this configuration. Called by turnd.ts with the arguments after `dns`.
import { loadCertificate } from '../auth/certificate-file.js'
import { isNameCovered } from '../auth/certificate-names.js'
import { isSecure } from '../client/discovery/srv-candidates.js'
import { formatTurnUri, protocolOf } from '../client/turn-uri.js'
import { parseCommandLine } from '../config/command-line.js'
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import { escapeControls } from '../log/escape.js'
import { localAddresses } from '../net/local-addresses.js'
import { CommandError } from './command-words.js'
import { DNS_HELP, type DnsArguments, parseDnsArguments } from './dns-arguments.js'
import { type ListenPlace, listenPlaces } from './dns-places.js'
import { dnsBlocks, isWithin, type NamedPlace, namePlaces } from './dns-records.js'
import { dnsmasqText, zoneText } from './dns-text.js'

export interface DnsCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

/** Records of this configuration would lead nowhere. */
class NowhereError extends Error {}

/**
 * Runs the command. Returns the exit code: 0, or after one sentence 1 (the records would lead nowhere) or 2 (anything else).
 * @param local the addresses of this machine
 */
export async function runDnsCommand(
  argv: readonly string[],
  io: DnsCommandIo,
  local: () => readonly string[] = machineAddresses,
): Promise<number> {
  try {
    const given = parseDnsArguments(argv)
    io.stdout.write(given === null ? DNS_HELP : printed(given, settingsOf(given.serverArgv, io.env), local()))
    return 0
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof NowhereError)) throw error
    io.stderr.write(`turnd dns: ${escapeControls(error.message)}\n`)
    return error instanceof NowhereError ? 1 : 2
  }
}

function machineAddresses(): readonly string[] {
  return localAddresses().map(({ host }) => host)
}

function printed(given: DnsArguments, settings: Settings, local: readonly string[]): string {
  const { addresses, domain, format, ttlSeconds } = given
  const hostName = given.hostName ?? settings.publicName[0] ?? `turn.${domain}`
  const { places, useless } = listenPlaces(settings, { given: addresses, local })
  if (places.length === 0) throw nowhere(useless)
  const named = namePlaces(places, hostName)
  const blocks = dnsBlocks(named, { ...given, hostName, hasNatDiscovery: settings.natDiscovery })
  const uris = named.map(uriOf)
  const notes = notesOf(given, hostName, places, settings)
  if (format === 'json') return `${JSON.stringify({ domain, hostName, ttl: ttlSeconds, uris, notes, blocks })}\n`
  const offered = places.map(({ port, transport }) => `${transport.toUpperCase()} ${port}`).join(', ')
  const head = [
    `DNS records of ${domain} for a TURN server on ${offered}, made by turnd dns.`,
    `Browsers use no SRV and NAPTR records: give them ${uris.join(', ')}`,
    ...notes.map((note) => `NOTE: ${escapeControls(note)}`),
  ]
  return (format === 'dnsmasq' ? dnsmasqText : zoneText)({ head, blocks, ttlSeconds })
}

/** With everything in it: browsers look nothing up. */
function uriOf({ host, port, transport }: NamedPlace): string {
  return formatTurnUri({ scheme: isSecure(transport) ? 'turns' : 'turn', host, port, transport: protocolOf(transport) })
}

function nowhere(useless: readonly string[]): NowhereError {
  const what = useless.length === 0 ? 'no listener has an address' : `nobody elsewhere reaches ${useless.join(', ')}`
  return new NowhereError(
    `the records would lead nowhere, since ${what}: give --external-ip PUBLIC/PRIVATE, or --address IP for a zone that only your network sees`,
  )
}

/** What the reader has to know before the records are of use. */
function notesOf(
  { domain }: DnsArguments,
  hostName: string,
  places: readonly ListenPlace[],
  settings: Settings,
): string[] {
  const notes: string[] = []
  if (!isWithin(hostName, domain)) {
    notes.push(`${hostName} is in another zone, and has to have its address records there: none are printed here`)
  }
  const hasTls = places.some(({ transport }) => isSecure(transport))
  if (hasTls) notes.push(...certificateNotes([domain, hostName], settings))
  return notes
}

/** RFC 5928 §5: who began at the domain wants to see the domain in the certificate, wherever the records led. */
function certificateNotes(wanted: readonly string[], { cert, key }: Settings): string[] {
  if (cert === null || key === null) return []
  try {
    const { facts } = loadCertificate(cert, key)
    return wanted
      .filter((name) => !isNameCovered(name, facts.names))
      .map(
        (name) =>
          `the certificate ${cert} does not cover ${name}: clients that are given turns:${name} refuse it, wherever the records lead (RFC 5928 section 5)`,
      )
  } catch (error) {
    if (!(error instanceof TurndError)) throw error
    return [`the certificate has to cover ${wanted.join(' and ')}, and could not be read here: ${error.message}`]
  }
}

function settingsOf(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  try {
    return (parseCommandLine(argv, env, readTextFile) as ParsedSettings).settings
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}
