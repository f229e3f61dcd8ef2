// coturn's options about users, secrets, quotas and bandwidth.
import { BITS_PER_SECOND_MAX } from '../../limits/turn.js'
import { type CoturnOption, SWITCH, VALUE } from './row.js'

const DATABASE = 'its users and secrets are not read'
const NO_DATABASE = 'there is no database to look at'
const BITS_PER_BYTE = 8

/** The commands write lines of user:realm:key, which --users-file reads. */
const EXPORT = {
  sqlite: `${DATABASE}: export them with sqlite3 -separator : FILE "select name, realm, hmackey from turnusers_lt" > users, and give --users-file users`,
  psql: `${DATABASE}: export them with psql -At -F : -c "select name, realm, hmackey from turnusers_lt" > users, and give --users-file users`,
  mysql: `${DATABASE}: export them with mysql -N -e "select concat_ws(':', name, realm, hmackey) from turnusers_lt" > users, and give --users-file users`,
  mongo: `${DATABASE}: write name:realm:hmackey of its collection turnusers_lt to a file, a user a line, and give --users-file FILE`,
} as const

export const USER_OPTIONS: Readonly<Record<string, CoturnOption>> = {
  'lt-cred-mech': SWITCH.same('clients always authenticate with long-term credentials'),
  'no-auth': SWITCH.needed(
    'there is no relaying for everybody here: clients must authenticate, so give them a user (--user) or a secret (--auth-secret)',
  ),
  'use-auth-secret': SWITCH.part('the secrets of static-auth-secret count, and users do not'),
  'static-auth-secret': VALUE.part('--auth-secret'),
  user: VALUE.part('--user; with a key 0x… instead of a password as {"name": …, "key": …} in the file of --config'),
  realm: VALUE.part('--realm'),
  'server-name': VALUE.part('--oauth-server-name beside oauth; else --public-name, where it is a DNS name'),
  'rest-api-separator': VALUE.part('--auth-secret-separator'),
  'secret-ts-exp-time': VALUE.ignored('coturn has not used it for years: the time is in the user name'),
  oauth: SWITCH.part('--oauth-keys, with a file of the keys in its database'),
  'secret-key-file': VALUE.ignored('passwords are kept as hashes, and need no key'),

  userdb: VALUE.needed(EXPORT.sqlite),
  db: VALUE.needed(EXPORT.sqlite),
  'psql-userdb': VALUE.needed(EXPORT.psql),
  'sql-userdb': VALUE.needed(EXPORT.psql),
  'mysql-userdb': VALUE.needed(EXPORT.mysql),
  'mongo-userdb': VALUE.needed(EXPORT.mongo),
  'redis-userdb': VALUE.part(
    '--redis, with --redis-ca of its ca=: users and TURN REST secrets; settings of a realm in Redis are not read',
  ),
  'redis-statsdb': VALUE.ignored('statistics are on the status page, in its API and in /metrics'),
  'no-auth-pings': SWITCH.ignored(NO_DATABASE),
  'no-dynamic-ip-list': SWITCH.ignored(NO_DATABASE),
  'no-dynamic-realms': SWITCH.ignored(NO_DATABASE),

  'user-quota': VALUE.to('user-quota', '0 is no limit in both', zeroIsDefault),
  'total-quota': VALUE.to('max-allocations', '0, no limit, becomes our default', zeroIsDefault),
  'max-bps': VALUE.to('max-bps', 'coturn counts bytes per second, we count bits', bitsOfBytes),
  'bps-capacity': VALUE.part('no limit for all allocations together yet; --user-max-bps limits a user', 'needed'),
  'unauthorized-ratelimit': SWITCH.same('unauthenticated answers are limited: --unauthenticated-rate'),
  'unauthorized-ratelimit-rps': VALUE.ignored('--unauthenticated-rate counts other answers too: 200 by default'),
  'max-allocate-timeout': VALUE.ignored('clients that have proved nothing take no memory, or are closed in time'),
  'check-origin-consistency': SWITCH.ignored('ORIGIN is not looked at'),
}

function zeroIsDefault(value: string): string | null {
  return /^0+$/.test(value) ? null : value
}

function bitsOfBytes(value: string): string | null {
  if (!/^[0-9]+$/.test(value)) return value
  const bits = Math.min(Number(value) * BITS_PER_BYTE, BITS_PER_SECOND_MAX)
  return bits === 0 ? null : String(bits)
}
