// coturn's options about addresses, ports and peers: where it listens, where it relays, whom clients may reach.
import { type CoturnOption, SWITCH, VALUE } from './row.js'

const EVERYBODY = 'and --alternate-above 0: coturn sends every client there'
const MULTIPLEX = 'every allocation has a port of its own here'
const BATCHES = 'the native engine receives and sends in batches by itself'

export const NETWORK_OPTIONS: Readonly<Record<string, CoturnOption>> = {
  'listening-ip': VALUE.part('--listen; without relay-ip also --relay-ip, as coturn does it'),
  'listening-port': VALUE.part('the port of --listen'),
  'tls-listening-port': VALUE.part('the port of --listen tls: and dtls:, where there are cert and pkey'),
  'alt-listening-port': VALUE.part('--nat-discovery-port, where rfc5780 is --nat-discovery'),
  'alt-tls-listening-port': VALUE.ignored('NAT behaviour discovery is over UDP and TCP'),
  'tcp-proxy-port': VALUE.part('one more --listen tcp:; the proxies must be named with --proxy-protocol-from'),
  'aux-server': VALUE.part('one more --listen'),
  'listening-device': VALUE.needed('name the addresses of this device with --listen'),
  'relay-device': VALUE.needed('name the addresses of this device with --relay-ip'),
  'udp-self-balance': SWITCH.ignored('the kernel spreads clients over the workers'),
  'no-udp': SWITCH.part('--listen without UDP'),
  'no-tcp': SWITCH.part('--listen without TCP'),
  'no-tls': SWITCH.part('no --listen tls:'),
  'no-dtls': SWITCH.part('no --listen dtls:'),
  dtls: SWITCH.part('--listen dtls:, which coturn 4.6 has by default; where that is all, it is left out without koffi'),

  'relay-ip': VALUE.part('--relay-ip'),
  'external-ip': VALUE.part('--external-ip; without a private address for the one relay address that has no other'),
  'min-port': VALUE.part('--min-port; 49152 as in coturn when the file has none'),
  'max-port': VALUE.part('--max-port; 65535 as in coturn when the file has none'),
  'relay-threads': VALUE.part('--workers'),
  cpus: VALUE.part('--workers, unless relay-threads says it'),
  'sock-buf-size': VALUE.ignored('buffers are sized by the server'),
  'multiplex-peer': SWITCH.ignored(MULTIPLEX),
  'multiplex-peer-port': VALUE.ignored(MULTIPLEX),
  'multiplex-peer-max-peers': VALUE.ignored(MULTIPLEX),
  'udp-recvmmsg': SWITCH.ignored(BATCHES),
  'udp-recvmmsg-log': SWITCH.ignored(BATCHES),
  'udp-sendmmsg-log': SWITCH.ignored(BATCHES),
  'udp-gso': SWITCH.ignored(BATCHES),
  ne: VALUE.ignored('--engine chooses the engine by itself'),
  'no-udp-relay': SWITCH.needed('relays over UDP are always offered: there is no switch for it'),
  'no-tcp-relay': SWITCH.to('no-tcp-relay'),
  'server-relay': SWITCH.ignored('data of peers without a permission is never passed on'),
  'keep-address-family': SWITCH.ignored('without REQUESTED-ADDRESS-FAMILY a relay is IPv4, as RFC 8656 §7.2 says'),
  'allocation-default-address-family': VALUE.part(
    'a relay is IPv4 unless the client asks for another family, as RFC 8656 §7.2 says; other values are ignored',
    'same',
  ),

  'allowed-peer-ip': VALUE.part(
    '--allow-peer; a range becomes CIDR blocks, without link-local, unique-local and site-local addresses',
  ),
  'denied-peer-ip': VALUE.part('--deny-peer; a range becomes CIDR blocks, without what allowed-peer-ip allows'),
  'allow-loopback-peers': SWITCH.part('--allow-peer 127.0.0.0/8 and ::1'),
  'no-loopback-peers': SWITCH.same('loopback is denied unless --allow-peer opens it'),
  'no-multicast-peers': SWITCH.same('multicast is always denied'),

  'alternate-server': VALUE.part(`--alternate, ${EVERYBODY}`),
  'tls-alternate-server': VALUE.part(`--alternate tls: and dtls:, ${EVERYBODY}`),
  'tcp-alternate-server': VALUE.part(`--alternate tcp:, ${EVERYBODY}`),
  'udp-alternate-server': VALUE.part(`--alternate udp:, ${EVERYBODY}`),
}
