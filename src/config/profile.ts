// What the profiles (--profile) differ in, in one table: no other file asks which profile it is. `rfc` does what today's RFCs say; the others
// do what a Cisco Expressway-E of that version does, where it differs, for those who replace one and for clients that were made for one.
import type { ChannelRange, Profile } from './settings.js'

/** What clients notice: the core has them as a whole. */
export interface ProtocolTraits {
  /** A Binding without credentials is challenged (401) like any other request, instead of answered. */
  readonly challengesBinding: boolean
  /**
   * Wrong credentials with a nonce of this server's get 431 Integrity Check Failure (RFC 3489 §11.2.9) that says USERNAME, REALM and NONCE of
   * the request again, instead of 401 with a new challenge (RFC 8489 §9.2.4).
   */
  readonly namesIntegrityFailure: boolean
}

export interface ProfileTraits extends ProtocolTraits {
  /** The answer to a browser that asks for a page by a name that is not of --http-name: Misdirected Request (RFC 9110 §15.5.20), or Bad Request. */
  readonly misdirectedStatus: 400 | 421
  /** The default of --channel-range. */
  readonly channelRange: ChannelRange
  /** Expressway's numbers of alarms, by our id. */
  readonly alarmNumbers: ReadonlyMap<string, number>
}

/** Its physical limit is ours of relay ports, its licensed one --max-allocations. */
const EXPRESSWAY_ALARM_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['relay-ports-approaching', 30005],
  ['licence-approaching', 30007],
  ['licence-none', 30011],
  ['relay-ports-reached', 30021],
  ['licence-reached', 30024],
  ['port-443-worker-died', 25027],
])

const TRAITS: { readonly [Name in Profile]: ProfileTraits } = {
  rfc: {
    challengesBinding: false,
    namesIntegrityFailure: false,
    misdirectedStatus: 421,
    channelRange: 'rfc8656',
    alarmNumbers: new Map(),
  },
  'expressway-x8.9': {
    challengesBinding: false,
    namesIntegrityFailure: true,
    misdirectedStatus: 400,
    channelRange: 'rfc5766',
    alarmNumbers: EXPRESSWAY_ALARM_NUMBERS,
  },
  'expressway-x12.6': {
    challengesBinding: true,
    namesIntegrityFailure: true,
    misdirectedStatus: 400,
    channelRange: 'rfc5766',
    alarmNumbers: EXPRESSWAY_ALARM_NUMBERS,
  },
}

export function profileTraits(profile: Profile): ProfileTraits {
  return TRAITS[profile]
}
