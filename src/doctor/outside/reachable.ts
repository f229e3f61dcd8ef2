// Is there a server at all: its name has an address, and something there answers STUN.
import { resolveHost } from '../../client/resolve-host.js'
import { hostAddress } from '../../stun/address.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import type { OutsideScene, WayState } from './scene.js'

export function judgeName(host: string, addresses: readonly string[]): Judgement {
  if (addresses.length > 0) return well(`${host} is ${addresses.join(', ')}`)
  return fault(
    `${host} has no address`,
    `${host} has no address in the DNS that this machine asks`,
    `Enter ${host} in the DNS, or mend the URI`,
  )
}

export const name: Check<OutsideScene> = {
  id: 'name',
  needs: [],
  async run({ host }) {
    if (hostAddress(host) !== null) return []
    const addresses = await resolveHost(host, 0).catch(() => [])
    return judgeName(
      host,
      addresses.map((address) => address.toString().replace(/:0$/, '')),
    )
  },
}

export function judgeReachable(host: string, states: readonly WayState[]): Judgement {
  const answering = states.filter(({ outcome }) => outcome === 'answers')
  if (answering.length > 0) return well(`${host} answers over ${answering.map(portText).join(', ')}`)
  const tried = states.filter(({ outcome }) => outcome !== 'untried')
  if (tried.length === 0) return notChecked(untriedText(states[0]))
  const ports = tried.map(portText).join(', ')
  const found = tried.map((state) => `${portText(state)}: ${OUTCOMES[state.outcome]}`).join('; ')
  const cause = `no TURN server answers at ${host}`
  if (states.some(({ outcome }) => outcome === 'closed')) {
    return fault(
      cause,
      `${host} is there, but no TURN server answers (${found})`,
      `Start turnd there, or mend the port in the URI (tried: ${ports})`,
    )
  }
  if (states.some(({ outcome }) => outcome === 'mute' || outcome === 'no-tls')) {
    return fault(
      cause,
      `something else answers at ${host} (${found})`,
      `Mend the port in the URI, or what listens there (tried: ${ports})`,
    )
  }
  return fault(
    `${host} cannot be reached over ${ports}`,
    `nothing comes back from ${host} (${found}): a firewall on the way drops it, or the machine is down`,
    `Open ${ports} to ${host} on the firewall, and see whether the machine is up`,
  )
}

export const reachable: Check<OutsideScene> = {
  id: 'reachable',
  needs: ['name'],
  run: async (scene) => judgeReachable(scene.host, await scene.survey()),
}

const OUTCOMES: Readonly<Record<WayState['outcome'], string>> = {
  answers: 'answers',
  silent: 'no answer',
  closed: 'refused, nothing listens there',
  unreachable: 'no way there',
  untried: 'not tried',
  mute: 'it takes connections, and answers no STUN',
  'no-tls': 'it takes connections, and does no TLS',
}

/** `UDP 3478`, `TLS on TCP 443`. */
export function portText({ way: { port, transport } }: WayState): string {
  if (transport === 'tls') return `TCP ${port} (TLS)`
  if (transport === 'dtls') return `UDP ${port} (DTLS)`
  return `${transport.toUpperCase()} ${port}`
}

export function outcomeText({ outcome }: WayState): string {
  return OUTCOMES[outcome]
}

export function untriedText(state: WayState): string {
  return `${portText(state)} was not tried: ${state.problem}`
}
