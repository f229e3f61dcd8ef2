// Is there a server at all: its name has an address, and something there answers STUN.
import { ClientError } from '../../client/client-error.js'
import { formatHost, hostAddress } from '../../stun/address.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import type { OutsideScene, WayState } from './scene.js'

/** @param found its addresses, or what was wrong when they were asked for */
export function judgeName(host: string, found: readonly string[] | ClientError): Judgement {
  if (!(found instanceof ClientError)) return well(`${host} is ${found.join(', ')}`)
  if (found.code === 'aborted') return notChecked(found.message)
  if (found.code !== 'no-such-host') {
    return fault(
      'the DNS of this machine does not answer',
      `this machine asks for the address of ${host}, and its DNS does not answer: nothing is known of the server`,
      "Look at this machine's DNS (/etc/resolv.conf) and at its network",
    )
  }
  return fault(
    `${host} has no address`,
    `${host} has no address in the DNS that this machine asks`,
    `Enter ${host} in the DNS (turnd dns prints the records), or mend the URI (turnd resolve shows where one leads)`,
  )
}

export const name: Check<OutsideScene> = {
  id: 'name',
  needs: [],
  async run(scene) {
    const { host } = scene
    if (hostAddress(host) !== null) return []
    try {
      return judgeName(host, (await scene.addresses()).map(formatHost))
    } catch (error) {
      if (error instanceof ClientError) return judgeName(host, error)
      throw error
    }
  },
}

export function judgeReachable(host: string, states: readonly WayState[]): Judgement {
  const answering = states.filter(({ outcome }) => outcome === 'answers')
  if (answering.length > 0) return well(`${host} answers over ${answering.map(portText).join(', ')}`)
  const tried = states.filter(({ outcome }) => outcome !== 'untried')
  if (tried.length === 0) return notChecked(untriedText(states[0]))
  const ports = tried.map(portText).join(', ')
  const found = tried.map((state) => `${portText(state)}: ${outcomeText(state)}`).join('; ')
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
  if (tried.every(({ outcome }) => outcome === 'unreachable')) {
    return fault(
      `this machine has no way to ${host}`,
      `no packet gets from this machine to ${host} (${tried.map(({ problem }) => problem).join('; ')}): nothing is known of the server`,
      "Look at this machine's network: its address, its default route, its own firewall",
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
  'no-tls': 'it takes connections, and answers no TLS',
}

/** `UDP 3478`, `TLS on TCP 443`. */
export function portText({ way: { port, transport } }: WayState): string {
  if (transport === 'tls') return `TCP ${port} (TLS)`
  if (transport === 'dtls') return `UDP ${port} (DTLS)`
  return `${transport.toUpperCase()} ${port}`
}

export function outcomeText({ outcome, security }: WayState): string {
  if (outcome === 'mute' && security?.isAlpnRefused)
    return 'a web server: it does TLS, refuses the protocol stun.turn (ALPN), and answers no STUN'
  return OUTCOMES[outcome]
}

export function untriedText(state: WayState): string {
  return `${portText(state)} was not tried: ${state.problem}`
}
