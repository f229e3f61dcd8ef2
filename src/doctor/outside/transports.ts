// Each way to the server by itself, once some way is known to work: the commonest loss is UDP, which firewalls of guests drop.
import { formatHost } from '../../stun/address.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import { outcomeText, portText, untriedText } from './reachable.js'
import type { OutsideScene, WayState } from './scene.js'

/** @param others ways that answer, at least one */
export function judgeWay(host: string, state: WayState, others: readonly WayState[]): Judgement {
  const port = portText(state)
  if (state.outcome === 'answers') return judgeAnswer(host, state)
  if (state.outcome === 'untried') return notChecked(untriedText(state))
  const [other] = others
  const found = `${port}: ${outcomeText(state)}, while ${portText(other)} answers`
  if (!state.way.isAsked) return judgeUnasked(host, state, found)
  const isDatagram = state.way.transport === 'udp' || state.way.transport === 'dtls'
  switch (state.outcome) {
    case 'silent':
      return isDatagram
        ? fault(
            `${port} to ${host} is blocked`,
            `${found}: a firewall on the way drops UDP`,
            `Open ${port} to ${host} on the firewall; until then clients reach it by ${clientUri(host, other)}`,
          )
        : fault(
            `${port} to ${host} is firewalled`,
            `${found}: a firewall on the way drops it`,
            `Open ${port} to ${host} on the firewall`,
          )
    case 'closed':
      return fault(
        `nothing listens on ${port} of ${host}`,
        found,
        `Start turnd with a listener there (--listen ${listenOption(state)}), or leave the URI out`,
      )
    case 'no-tls':
      return fault(
        `${port} of ${host} does no TLS`,
        found,
        `Start turnd with --listen ${listenOption(state)}, --cert and --key, or mend the URI`,
      )
    case 'mute':
      return fault(
        `something else than a TURN server listens on ${port} of ${host}`,
        found,
        'Stop that program, or let it stand behind turnd (--http-upstream)',
      )
    default:
      return fault(
        `there is no way to ${port} of ${host}`,
        `${found} (${state.problem})`,
        "Look at this machine's routes and firewall",
      )
  }
}

/** What a name has in the DNS, clients wait for. */
function judgeAnswer(host: string, state: WayState): Judgement {
  const { address, deafHosts, way } = state
  const port = portText(state)
  if (deafHosts.length === 0 || !way.isAsked || address === null) return well(`${port} answers`)
  const deaf = deafHosts.join(', ')
  return warning(
    `${port} answers at ${formatHost(address)}, and not at ${deaf}, which is ${host} as well: clients that take that one wait, or fail`,
    `Let the server and the firewall answer at ${deaf} too, or take it out of the DNS`,
  )
}

function judgeUnasked(host: string, state: WayState, found: string): Judgement {
  if (state.way.transport !== 'udp' || state.outcome !== 'silent') return well(`${found}; no URI asks for it`)
  return warning(
    `${found}: media goes over TCP, and stutters where packets are lost`,
    `Open ${portText(state)} to ${host} on the firewall`,
  )
}

const wayCheck = (id: 'udp' | 'tcp' | 'tls' | 'dtls'): Check<OutsideScene> => ({
  id,
  needs: ['reachable'],
  async run(scene) {
    const states = await scene.survey()
    const answering = states.filter(({ outcome }) => outcome === 'answers')
    return states.filter(({ way }) => way.transport === id).map((state) => judgeWay(scene.host, state, answering))
  },
})

export const transports: readonly Check<OutsideScene>[] = [
  wayCheck('udp'),
  wayCheck('tcp'),
  wayCheck('tls'),
  wayCheck('dtls'),
]

function listenOption({ way: { port, transport } }: WayState): string {
  return `${transport}:*:${port}`
}

function clientUri(host: string, { way: { port, transport } }: WayState): string {
  return transport === 'tls' ? `turns:${host}:${port}` : `turn:${host}:${port}?transport=tcp`
}
