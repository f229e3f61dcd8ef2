// How the bounds of our own client relate. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const CLIENT_RELATIONS: readonly Relation[] = [
  relation(
    ['CLIENT_RETRANSMIT_MILLISECONDS', 'CLIENT_TRANSMISSION_COUNT_MAX', 'CLIENT_ANSWER_MILLISECONDS_MAX'],
    'the last transmission has 16 times the first wait for its answer (Rm of RFC 8489 §6.2.1)',
    (limits) => {
      const waits = 2 ** (limits.CLIENT_TRANSMISSION_COUNT_MAX - 1) - 1 + 16
      return waits * limits.CLIENT_RETRANSMIT_MILLISECONDS === limits.CLIENT_ANSWER_MILLISECONDS_MAX
    },
  ),
  relation(
    [
      ...(['CLIENT_REQUEST_LENGTH_MAX', 'USERNAME_LENGTH_MAX', 'CLIENT_REALM_LENGTH_MAX'] as const),
      ...(['CLIENT_NONCE_LENGTH_MAX', 'CLIENT_ALGORITHMS_LENGTH_MAX'] as const),
    ],
    'a request has room for credentials, whatever realm and nonce the server sends',
    (limits) => {
      const texts = limits.USERNAME_LENGTH_MAX + limits.CLIENT_REALM_LENGTH_MAX + limits.CLIENT_NONCE_LENGTH_MAX
      return texts + limits.CLIENT_ALGORITHMS_LENGTH_MAX + 256 <= limits.CLIENT_REQUEST_LENGTH_MAX
    },
  ),
  atMost('CLIENT_CHANNEL_COUNT_MAX', 'CHANNEL_COUNT_DEFAULT', 'a server with the default options grants them'),
  below(
    'CLIENT_CLOSE_MILLISECONDS_MAX',
    'CLIENT_OPEN_MILLISECONDS_MAX',
    'nobody waits longer for an end than for a beginning',
  ),
  atMost('PROBE_ANSWER_SECONDS_DEFAULT', 'PROBE_ANSWER_SECONDS_MAX', 'what is not said is not more than what may be'),
  atMost(
    'PROBE_ROUND_TRIP_COUNT_DEFAULT',
    'PROBE_ROUND_TRIP_COUNT_MAX',
    'what is not said is not more than what may be',
  ),
  atMost('PROBE_PAYLOAD_LENGTH_MIN', 'PROBE_PAYLOAD_LENGTH_DEFAULT', 'what is not said is not less than what may be'),
  atMost('PROBE_PAYLOAD_LENGTH_DEFAULT', 'PROBE_PAYLOAD_LENGTH_MAX', 'what is not said is not more than what may be'),
  atMost('PROBE_BITS_PER_SECOND_DEFAULT', 'PROBE_BITS_PER_SECOND_MAX', 'what is not said is not more than what may be'),
  atMost('PROBE_SECONDS_DEFAULT', 'PROBE_SECONDS_MAX', 'what is not said is not more than what may be'),
  below(
    'PROBE_SECONDS_MAX',
    'PERMISSION_LIFETIME_SECONDS',
    'the permission that came with the channel does not expire',
  ),
  below('PROBE_REFRESH_MILLISECONDS_MIN', 'PROBE_REFRESH_MILLISECONDS_MAX', 'the least is below the most'),
  relation(
    ['PROBE_BITS_PER_SECOND_MAX', 'PROBE_PAYLOAD_LENGTH_DEFAULT', 'PROBE_PACKETS_PER_SECOND_MAX'],
    'the highest rate can be had with packets of the usual size',
    (limits) => {
      const packets = limits.PROBE_BITS_PER_SECOND_MAX / 8 / limits.PROBE_PAYLOAD_LENGTH_DEFAULT
      return packets <= limits.PROBE_PACKETS_PER_SECOND_MAX
    },
  ),
  relation(
    ['PROBE_PACKETS_PER_SECOND_MAX', 'PROBE_TICK_MILLISECONDS', 'PROBE_BURST_COUNT_MAX'],
    'the highest rate is sent in small bursts',
    (limits) =>
      limits.PROBE_PACKETS_PER_SECOND_MAX * (limits.PROBE_TICK_MILLISECONDS / 1000) <= limits.PROBE_BURST_COUNT_MAX,
  ),
]
