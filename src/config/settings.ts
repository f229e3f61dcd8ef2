// The shape of turnd's settings: what the options become once they are parsed, and what the library takes in.
// Types only; everybody may import them. The table of options.ts has exactly one option for each key of Settings.
import type { Cidr } from '../stun/cidr.js'
import type { AlternateServer } from './alternate.js'
import type { ExternalIp } from './external-ip.js'
import type { ImportReport } from './import-report.js'
import type { ListenAddress, ListenSpec } from './listen-spec.js'
import type { PeerRule } from './peer-rule.js'
import type { RedisServer } from './redis-server.js'
import type { ResolvedOption, Source } from './source.js'
import type { StaticUser } from './static-user.js'

export type Engine = 'auto' | 'native' | 'dgram'
export type Profile = 'rfc' | 'expressway-x8.9' | 'expressway-x12.6'
export type ChannelRange = 'rfc8656' | 'rfc5766'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface Settings {
  readonly listen: readonly ListenSpec[]
  readonly publicName: readonly string[]
  /** Proxies that tell the client's address in front of each stream connection. */
  readonly proxyProtocolFrom: readonly Cidr[]
  /** Where HTTP requests to tls: listeners go; null: they are answered with 404. An origin. */
  readonly httpUpstream: string | null
  /** A file (PEM) of the authorities that may have signed the upstream's certificate, instead of the well-known ones. */
  readonly httpUpstreamCa: string | null
  /** The names that its pages are asked for by, in lower case; empty: any. */
  readonly httpName: readonly string[]

  /** Canonical text, never a wildcard; empty: one per family, found by the engine. */
  readonly relayIp: readonly string[]
  readonly externalIp: readonly ExternalIp[]
  readonly minPort: number
  readonly maxPort: number
  /** Follows the profile when it is not given. */
  readonly channelRange: ChannelRange
  /** Relays over UDP alone: no TCP allocations (RFC 6062). */
  readonly noTcpRelay: boolean

  readonly realm: string
  readonly user: readonly StaticUser[]
  readonly usersFile: string | null
  readonly authSecret: readonly string[]
  readonly authSecretFile: string | null
  readonly authSecretHash: 'any' | 'sha1' | 'sha256'
  /** One character, no digit. */
  readonly authSecretSeparator: string
  /** In seconds, of credentials that are issued here. */
  readonly authSecretLifetime: number
  /** In seconds from now; 0: no limit. */
  readonly authSecretLifetimeMax: number
  /** Where users and TURN REST secrets are besides. */
  readonly redis: RedisServer | null
  readonly redisPasswordFile: string | null
  /** A file (PEM) of the authorities that may have signed its certificate, instead of the well-known ones. */
  readonly redisCa: string | null
  /** The web service that is asked for users whom nothing else knows; null: none. A URL. */
  readonly authWebhook: string | null
  /** A file of the bearer token for it. */
  readonly authWebhookTokenFile: string | null
  /** A file (PEM) of the authorities that may have signed its certificate, instead of the well-known ones. */
  readonly authWebhookCa: string | null
  readonly oauthKeys: string | null
  readonly oauthServerName: string | null
  /** Seconds; of look-ups at user stores outside this process. */
  readonly lookupTimeout: number
  readonly lookupTtl: number
  /** 0: nobody is let in while a store is down. */
  readonly lookupOutage: number

  readonly maxAllocations: number
  /** Allocations of one user; 0: no limit. */
  readonly userQuota: number
  /** Permissions of one allocation. */
  readonly permissionsMax: number
  /** Channel bindings of one allocation. */
  readonly channelsMax: number
  /** Bits per second of payload of one allocation, each direction by itself; 0: no limit. */
  readonly maxBps: number
  /** Bits per second of payload of one user, each direction by itself; 0: no limit. */
  readonly userMaxBps: number
  /** Unauthenticated answers per second and source; 0: no limit. When it is given, loopback is not exempt. */
  readonly unauthenticatedRate: number

  readonly allowPeer: readonly PeerRule[]
  readonly denyPeer: readonly PeerRule[]
  readonly nat64Prefix: readonly Cidr[]

  readonly cert: string | null
  readonly key: string | null

  readonly profile: Profile
  readonly natDiscovery: boolean
  /** null: the port after that of the first UDP listener. */
  readonly natDiscoveryPort: number | null
  readonly mobility: boolean
  readonly rfc3489: boolean

  readonly config: string | null
  readonly coturnConfig: string | null
  readonly expresswayConfig: string | null
  readonly engine: Engine
  /** null: one per core, with the native engine. */
  readonly workers: number | null
  /** Threads for clients over TCP, TLS and DTLS; null: as many as workers. */
  readonly streamWorkers: number | null
  readonly adminListen: ListenAddress | null
  readonly metricsToken: readonly string[]
  readonly metricsTokenFile: string | null
  readonly credentialsToken: readonly string[]
  readonly credentialsTokenFile: string | null
  readonly drainTimeout: number
  /** Other servers that clients may be sent to. */
  readonly alternate: readonly AlternateServer[]
  /** From this share of maxAllocations on they are, in percent. */
  readonly alternateAbove: number
  readonly stateDir: string
  readonly logLevel: LogLevel
}

export type SettingKey = keyof Settings

type OneOrMore<Item> = Item | readonly Item[]

/** The natural JavaScript form of a setting: numbers, booleans, words, and text in the form of the command line. */
type OptionInput<Value> = [Value] extends [boolean]
  ? boolean
  : [Value] extends [readonly StaticUser[]]
    ? OneOrMore<string | StaticUser>
    : [Value] extends [readonly unknown[]]
      ? OneOrMore<string>
      : [Value] extends [number | null]
        ? number
        : [Value] extends [string | null]
          ? NonNullable<Value>
          : string

/** The options of the library: those of the command line in camelCase, without the files that hold options. */
export type TurnServerOptions = {
  readonly [Key in Exclude<SettingKey, 'config' | 'coturnConfig' | 'expresswayConfig'>]?:
    | OptionInput<Settings[Key]>
    | undefined
}

export interface ParsedSettings {
  readonly settings: Settings
  /** One sentence each; turnd starts all the same. */
  readonly warnings: readonly string[]
  /** The settings that somebody asked for, whatever their value, and how. */
  readonly given: ReadonlyMap<SettingKey, ResolvedOption>
  /** How options that nobody gave are called in a sentence. */
  readonly naming: Source
  /** What became of the file of --coturn-config or --expressway-config; absent without one. */
  readonly imported?: ImportReport
}
