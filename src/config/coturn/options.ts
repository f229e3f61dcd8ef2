// THE table of coturn's options: every one that a turnserver.conf of coturn 4.5 to 4.17 may have, and what it becomes. The import, its report
// and docs/coturn-options.md derive from it.
import { NETWORK_OPTIONS } from './network-options.js'
import { OPERATION_OPTIONS } from './operation-options.js'
import { PROTOCOL_OPTIONS } from './protocol-options.js'
import type { CoturnOption } from './row.js'
import { USER_OPTIONS } from './user-options.js'

/** In the order of the documents, by what they are about. */
export const COTURN_OPTION_GROUPS: Readonly<Record<string, Readonly<Record<string, CoturnOption>>>> = {
  'Addresses, ports and peers': NETWORK_OPTIONS,
  'Users, secrets and limits': USER_OPTIONS,
  'TLS and protocols': PROTOCOL_OPTIONS,
  Operation: OPERATION_OPTIONS,
}

const BY_NAME: ReadonlyMap<string, CoturnOption> = new Map(
  Object.values(COTURN_OPTION_GROUPS).flatMap((group) => Object.entries(group)),
)

/** Upper and lower case differ, as in coturn; undefined for what is no option of it. */
export function findCoturnOption(name: string): CoturnOption | undefined {
  return BY_NAME.get(name)
}

export const COTURN_OPTION_NAMES: readonly string[] = [...BY_NAME.keys()]

/** On whatever their value says, as in coturn. */
export const ALWAYS_ON: readonly string[] = ['use-auth-secret', 'prometheus', 'no-auth-pings', 'rfc5780']

/** What has a number for its value, and counts here. */
export const NUMBERS: readonly string[] = [
  ...['listening-port', 'tls-listening-port', 'tcp-proxy-port', 'web-admin-port', 'min-port', 'max-port'],
  ...['user-quota', 'total-quota', 'max-bps', 'bps-capacity', 'relay-threads', 'cpus'],
  ...['stale-nonce', 'max-allocate-lifetime', 'channel-lifetime', 'permission-lifetime'],
]

/** Every line of them counts; of all others the last one. */
export const REPEATABLE: readonly string[] = [
  ...['listening-ip', 'aux-server', 'relay-ip', 'external-ip', 'allowed-peer-ip', 'denied-peer-ip'],
  ...['alternate-server', 'tls-alternate-server', 'tcp-alternate-server', 'udp-alternate-server'],
  ...['user', 'static-auth-secret'],
]
