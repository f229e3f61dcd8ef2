// What relays in use show: the address that clients are told, the firewall before the relay range, what relays send, and the way from one relay to
// another. All are judgements of one exercise.
import type { Settings } from '../../config/settings.js'
import { ERROR_PEER_ADDRESS_FAMILY_MISMATCH } from '../../stun/constants.js'
import { scopeOf } from '../address-scope.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import { counted } from '../durations.js'
import { type ExerciseFacts, HAIRPIN_LOST, HAIRPIN_NOT_TRIED, PACKET_LENGTHS, type RelayFacts } from './exercise.js'
import type { OutsideScene } from './scene.js'

const hostOf = (address: string) => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
/** Guests' networks drop it all, and then this says nothing of the server. */
const UDP_UNKNOWN =
  'no packet arrives, and whether UDP leaves this network at all is not known: give a turn: URI of the server too'
const RUN_OUTSIDE = "run the doctor outside the server's network"
/** From here the two look alike. */
const OR_THIS_NETWORK =
  "the firewall before the server drops them, or, if it is open, this client's own network does: a run from a second network tells which"
const listed = (relays: readonly RelayFacts[]) => relays.map(({ relayed }) => relayed).join(', ')

export function judgeExternalAddress(facts: ExerciseFacts, settings: Settings | null): Judgement {
  const { permissionCode, reachedHost, relays } = facts
  const told = hostOf(relays[0].relayed)
  if (told === reachedHost) return well(`relayed addresses are those of ${told}, where the server was reached`)
  if (relays.some(({ getsIn }) => getsIn))
    return well(
      `relayed addresses are those of ${told}, and packets get there (the server itself is at ${reachedHost})`,
    )
  const found = `the server was reached at ${reachedHost}, and tells clients to send to ${told}`
  const [isToldPublic, isReachedPublic] = [scopeOf(told) === 'public', scopeOf(reachedHost) === 'public']
  const isUnroutable = !isToldPublic && isReachedPublic
  // The address of one family says nothing about that of the other.
  if (told.includes(':') !== reachedHost.includes(':'))
    return isUnroutable ? judgeOtherFamily(told, found) : notChecked(refusedText(facts))
  // From within its own network a server is reached where clients outside do not see it, and often not at its public address.
  if (isToldPublic && !isReachedPublic) return notChecked(`${found}, where nothing from here arrives: ${RUN_OUTSIDE}`)
  const isConfirmed = relays.some(({ getsInByReached }) => getsInByReached === true)
  if (isConfirmed || isUnroutable) {
    const where = permissionCode === 0 ? 'no packet arrives' : 'nobody outside can send'
    return fault(
      `the external address is wrong (${told} instead of ${reachedHost})`,
      `${found}, where ${where}${isConfirmed ? `; sent to ${reachedHost} instead, they do` : ''}`,
      `Start turnd with --external-ip ${reachedHost}/${privateSide(told, isUnroutable, settings)}`,
    )
  }
  if (permissionCode !== 0) return notChecked(refusedText(facts))
  if (!facts.isUdpOpen) return notChecked(UDP_UNKNOWN)
  return fault(
    `no packet gets to the relayed address ${told}`,
    `${found}, where no packet arrives: the address is wrong, or ${OR_THIS_NETWORK}`,
    `If ${told} is its address, open UDP ${rangeText(settings)} to it on the firewall; if not, start turnd with --external-ip and the address that it has`,
  )
}

/** Whoever has IPv6 is at a public address, in the server's own network too. */
function judgeOtherFamily(told: string, found: string): Judgement {
  return warning(
    `${found}, which nobody outside reaches`,
    `Start turnd with --external-ip PUBLIC/${told}, where PUBLIC is its public ${told.includes(':') ? 'IPv6' : 'IPv4'} address; nothing, if all clients are in its own network`,
  )
}

/** The address that the server's own machine has: told to clients by mistake, or known from the options. */
function privateSide(told: string, isUnroutable: boolean, settings: Settings | null): string {
  const known = settings?.externalIp.find(({ publicHost }) => publicHost === told)?.privateHost ?? settings?.relayIp[0]
  return known ?? (isUnroutable ? told : "PRIVATE, where PRIVATE is its own machine's address")
}

export function judgeRelayRange(facts: ExerciseFacts, settings: Settings | null): Judgement {
  const { permissionCode, peerHost, relays } = facts
  if (permissionCode !== 0) return notChecked(refusedText(facts))
  if (isSameHost(facts))
    return notChecked(`this machine and the server share the address ${peerHost}: run the doctor on another one`)
  const [open, closed] = [relays.filter(({ getsIn }) => getsIn), relays.filter(({ getsIn }) => !getsIn)]
  if (closed.length === 0) {
    // A hole elsewhere in the range is not seen.
    const extent = `${counted(relays.length, 'port')} tried`
    return { ...well(`packets from ${peerHost} get to ${listed(relays)} (${extent})`), extent }
  }
  if (open.length === 0 && !facts.isUdpOpen) return notChecked(UDP_UNKNOWN)
  const host = hostOf(closed[0].relayed)
  const range = settings === null ? 'the relay range' : `the relay range ${rangeText(settings)}`
  const remedy = `Open UDP ${rangeText(settings)} to ${host}`
  if (open.length > 0) {
    return fault(
      `a part of ${range} is firewalled`,
      `packets from ${peerHost} get to ${listed(open)}, and not to ${listed(closed)}: ${OR_THIS_NETWORK}`,
      `${remedy}, all of it`,
    )
  }
  const found = `the server gives out ${listed(relays)}, and no packet from ${peerHost} gets there`
  const cause = `${range} is firewalled`
  if (relays.some(({ getsInAfterwards }) => getsInAfterwards)) {
    return fault(
      cause,
      `${found} before the relay has sent one out itself: calls work with some peers, and with those behind other NATs not. Perhaps ${OR_THIS_NETWORK}`,
      remedy,
    )
  }
  return fault(cause, `${found}: ${OR_THIS_NETWORK}`, remedy)
}

export function judgeRelayOutbound(facts: ExerciseFacts): Judgement {
  const { peerHost, permissionCode, relays } = facts
  if (permissionCode !== 0) return notChecked(refusedText(facts))
  const held = relays.filter(({ getsOut }) => !getsOut)
  if (held.length === 0) return well(`what relays send gets to ${peerHost}`)
  return fault(
    'what relays send does not get out',
    `packets get to ${listed(held)}, and nothing that these relays send gets to ${peerHost}`,
    `Let the relay address send UDP to any address and port on the firewall (from ${[...new Set(held.map(({ relayed }) => hostOf(relayed)))].join(', ')})`,
  )
}

export function judgeHairpin(facts: ExerciseFacts): Judgement {
  const { hairpin, reachedHost, relays } = facts
  if (hairpin === 0) return well('two relays of the server reach each other')
  if (hairpin === HAIRPIN_NOT_TRIED) return notChecked('the server gave one allocation only, and it takes two')
  const host = hostOf(relays[0].relayed)
  if (hairpin !== HAIRPIN_LOST) {
    return warning(
      `the server refuses its own relayed addresses as peers (${hairpin}): two clients that both need it get no media`,
      `Allow ${host} as a peer for the relay range`,
    )
  }
  // What is lost on the way to a peer is lost between relays for the same cause.
  const [obstacle] = [judgeRelayRange(facts, null), judgeRelayOutbound(facts)].filter(({ verdict }) => verdict !== 'ok')
  if (obstacle !== undefined) return notChecked(obstacle.cause || obstacle.text)
  // A server behind NAT that knows its address looks like one without NAT.
  const cause =
    host === reachedHost
      ? 'its own firewall drops it, or, if there is a NAT before it, that one does not turn it back (no hairpin)'
      : 'the NAT before it does not turn it back (no hairpin)'
  const remedy = `witch on NAT reflection for ${host} on the firewall, or let turnd do it: with --external-ip it needs none`
  return fault(
    'two clients of the server do not reach each other',
    `a packet from one relay of the server to another at ${host} is lost: ${cause}`,
    host === reachedHost
      ? `Let the server's firewall pass UDP from ${host} to itself; behind NAT, s${remedy}`
      : `S${remedy}`,
  )
}

export function judgePacketSize({ lengths }: ExerciseFacts): Judgement {
  const [usual, large] = PACKET_LENGTHS
  if (lengths === null) return notChecked('no packet went both ways')
  if (!lengths.includes(usual)) {
    return fault(
      'large packets are lost on the way',
      `packets of ${usual} bytes do not get through the relay, though small ones do`,
      'Look for a tunnel or VPN with a small MTU on the way, and let ICMP "fragmentation needed" through the firewalls',
    )
  }
  if (lengths.includes(large)) return well(`packets of ${large} bytes get through`)
  return warning(
    `packets of ${large} bytes do not get through the relay, those of ${usual} do: the MTU of the path is below 1,500`,
    'Nothing, if clients are browsers; else keep their packets below it, or look for the tunnel on the way',
  )
}

/** From its own address a server takes relays alone. */
function isSameHost({ peerHost, reachedHost, relays }: ExerciseFacts): boolean {
  const isShared = peerHost === reachedHost || peerHost === hostOf(relays[0].relayed)
  return isShared && relays.every(({ getsIn }) => !getsIn)
}

/** Where the server's options were not given, that of turnd unless told otherwise. */
function rangeText(settings: Settings | null): string {
  return settings === null
    ? '24000-29999 (or what --min-port and --max-port of the server say)'
    : `${settings.minPort}-${settings.maxPort}`
}

function refusedText({ peerHost, permissionCode }: ExerciseFacts): string {
  if (permissionCode === ERROR_PEER_ADDRESS_FAMILY_MISMATCH) {
    return `its relays are of another address family than ${peerHost}: give the doctor an address of the server of that family`
  }
  const isPrivate = scopeOf(peerHost) !== 'public'
  const advice = isPrivate
    ? `${peerHost} is not a public address: run the doctor outside, or give the server --allow-peer ${peerHost}`
    : 'run the doctor elsewhere'
  return `the server does not relay to this machine (${permissionCode}): ${advice}`
}

type Judge = (facts: ExerciseFacts, settings: Settings | null) => Judgement

const relayCheck = (id: string, needs: readonly string[], judge: Judge): Check<OutsideScene> => ({
  id,
  needs,
  async run(scene) {
    const facts = await scene.exercise()
    return judge(facts, scene.settings)
  },
})

export const relayChecks: readonly Check<OutsideScene>[] = [
  relayCheck('external-address', ['credentials', 'udp'], judgeExternalAddress),
  relayCheck('relay-range', ['external-address'], judgeRelayRange),
  relayCheck('relay-outbound', ['relay-range'], judgeRelayOutbound),
  relayCheck('hairpin', ['credentials', 'udp', 'external-address'], judgeHairpin),
  relayCheck('packet-size', ['relay-range', 'relay-outbound'], judgePacketSize),
]
