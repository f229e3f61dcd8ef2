// coturn's options about TLS and about the protocols: STUN, TURN, their extensions and lifetimes.
import { type CoturnOption, fixed, LIFETIMES, SWITCH, VALUE } from './row.js'

const TLS_VERSIONS = 'TLS 1.2 and 1.3 are spoken, nothing older'
const CIPHERS = 'the ciphers are those that Node holds to be safe'
const ATTACKED = 'answers to the unauthenticated are as short as they can be'
const NOT_A_CLOCK = 'no client should depend on another number'

export const PROTOCOL_OPTIONS: Readonly<Record<string, CoturnOption>> = {
  cert: VALUE.part('--cert; a relative path is one from the folder of the file'),
  pkey: VALUE.part('--key; a relative path is one from the folder of the file'),
  'pkey-pwd': VALUE.needed(
    'a key with a passphrase is not read: write it without one (openssl pkey -in FILE -out FILE)',
  ),
  'CA-file': VALUE.needed('certificates of clients are not asked for: whoever has credentials may connect'),
  'raw-public-keys': SWITCH.ignored('clients get a certificate'),
  'cipher-list': VALUE.ignored(CIPHERS),
  'ec-curve-name': VALUE.ignored(CIPHERS),
  'dh-file': VALUE.ignored(CIPHERS),
  dh566: SWITCH.ignored(CIPHERS),
  dh1066: SWITCH.ignored(CIPHERS),
  dh2066: SWITCH.ignored(CIPHERS),
  'no-sslv2': SWITCH.same(TLS_VERSIONS),
  'no-sslv3': SWITCH.same(TLS_VERSIONS),
  'no-tlsv1': SWITCH.same(TLS_VERSIONS),
  'no-tlsv1_1': SWITCH.same(TLS_VERSIONS),
  'no-tlsv1_2': SWITCH.ignored(TLS_VERSIONS),
  tlsv1: SWITCH.ignored(TLS_VERSIONS),
  tlsv1_1: SWITCH.ignored(TLS_VERSIONS),

  'stun-only': SWITCH.needed('this is a TURN server, too: who has credentials gets relays, so give none away'),
  'no-stun': SWITCH.ignored('Binding requests are answered, 200 a second to one source'),
  'secure-stun': SWITCH.ignored('Binding requests are answered without credentials, 200 a second to one source'),
  fingerprint: SWITCH.ignored('answers have FINGERPRINT where the request has it'),
  'stale-nonce': fixed(LIFETIMES.nonce, NOT_A_CLOCK),
  'stateless-nonce': SWITCH.same('nonces are stateless'),
  'stateless-nonce-secret': VALUE.ignored('the secret of nonces is made here, and kept in --state-dir'),
  'max-allocate-lifetime': fixed(LIFETIMES.allocation, NOT_A_CLOCK),
  'channel-lifetime': fixed(LIFETIMES.channel, 'RFC 8656 §12 says so'),
  'permission-lifetime': fixed(LIFETIMES.permission, 'RFC 8656 §9 says so'),
  'rfc5766-channel-numbers': SWITCH.to('channel-range', 'rfc5766', () => 'rfc5766'),
  mobility: SWITCH.to('mobility'),
  rfc5780: SWITCH.part('--nat-discovery, where there are two listening-ip of one family'),
  'no-rfc5780': SWITCH.same('NAT behaviour discovery is off'),
  'response-origin-only-with-rfc5780': SWITCH.same(ATTACKED),
  'rfc3489-compatibility': SWITCH.to('rfc3489'),
  'stun-backward-compatibility': SWITCH.ignored(
    'the address is told as XOR-MAPPED-ADDRESS alone (for clients of RFC 3489: --rfc3489)',
  ),
  'no-stun-backward-compatibility': SWITCH.same('the address is told as XOR-MAPPED-ADDRESS alone'),
  'no-software-attribute': SWITCH.same('SOFTWARE is not sent'),
  'software-attribute': SWITCH.ignored('SOFTWARE is not sent'),
  prod: SWITCH.same('SOFTWARE is not sent'),
  'include-reason-string': SWITCH.ignored(`${ATTACKED}; turnd why says the reasons`),
  'drop-invalid-packets': SWITCH.same('what is no STUN is dropped, and counted'),
  'drop-invalid-packets-log': SWITCH.ignored('dropped packets are counted by reason'),
}
