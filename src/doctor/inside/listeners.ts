// The ports of --listen: free, or taken by a server that runs already.
import { withDiscoveryListeners } from '../../config/nat-discovery.js'
import { whyNotListen } from '../../net/can-listen.js'
import { DTLS_SCHEMES, TCP_SCHEMES, UDP_SCHEMES, wildcardListenTargets } from '../../net/listen-targets.js'
import { type PortHolder, portHolder } from '../../net/port-holder.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import { isListeningOn } from '../running-servers.js'
import type { InsideScene } from './scene.js'

export interface ListenerFacts {
  /** `tls:*:443`, as the option has it. */
  readonly option: string
  readonly protocol: 'TCP' | 'UDP'
  readonly host: string
  readonly port: number
  /** The system's code, such as EADDRINUSE; '' if it can be opened. */
  readonly problem: string
  /** `nginx (process 812)`; null where the system does not say. */
  readonly holder: string | null
  /** The process of a server with these options that has it. */
  readonly servedBy: number | null
  /** Of a server that does not say what options it has: `a turnd (process 812)`. null: there is none, or another program has it. */
  readonly silentServer: string | null
}

export function judgeListeners(facts: readonly ListenerFacts[]): Judgement[] {
  const faults = facts.flatMap((one) =>
    one.problem === '' || one.servedBy !== null || one.silentServer !== null ? [] : [judgeProblem(one)],
  )
  if (faults.length > 0) return withoutRepeats(faults)
  const silent = facts.filter(({ servedBy, silentServer }) => servedBy === null && silentServer !== null)
  if (silent.length > 0) return [judgeSilent(silent)]
  if (facts.length === 0) return [well('the system chooses the ports: none can be taken')]
  const served = facts.find(({ servedBy }) => servedBy !== null)
  const ports = [...new Set(facts.map(({ port, protocol }) => `${protocol} ${port}`))].join(', ')
  if (served !== undefined) return [well(`${ports}: served by the turnd that runs here (process ${served.servedBy})`)]
  return [well(`${ports}: free, no server listens there yet`)]
}

function judgeSilent(facts: readonly ListenerFacts[]): Judgement {
  const places = [...new Set(facts.map(({ port, protocol }) => `${protocol} port ${port}`))]
  const who = [...new Set(facts.map(({ silentServer }) => silentServer))].join(' and ')
  return notChecked(
    `${places.join(', ')}: taken by ${who}, which does not tell this account whether it has these options: run turnd doctor as root, or as the account of that server`,
  )
}

/** UDP and TCP of one option, IPv4 and IPv6, are kept from it by one cause. */
function withoutRepeats(faults: readonly Judgement[]): Judgement[] {
  return [...new Map(faults.map((one) => [one.text, one])).values()]
}

function judgeProblem({ holder, host, option, port, problem, protocol }: ListenerFacts): Judgement {
  const place = `${protocol} port ${port}`
  switch (problem) {
    case 'EADDRINUSE': {
      const who = holder ?? 'another program'
      const stop = holder === null ? `Find that program (as root: ss -lnp) and stop it` : `Stop ${holder}`
      const move =
        port === 443
          ? ', or move that program to another port (a web server can stand behind turnd: --http-upstream)'
          : ''
      return fault(
        `${place} is taken by ${who}`,
        `--listen ${option} cannot be opened: ${place} is taken by ${who}`,
        `${stop}, or choose another port for turnd${move}`,
      )
    }
    case 'EADDRNOTAVAIL':
      return fault(
        `${host} is not an address of this machine`,
        `--listen ${option} cannot be opened: ${host} is not an address of this machine`,
        'Listen on an address of this machine (behind static NAT the private one), or on * for all of them',
      )
    case 'EACCES':
      return fault(
        `port ${port} needs privileges that this account has not`,
        `--listen ${option} cannot be opened by this account: ports below 1024 need privileges`,
        'Start turnd with CAP_NET_BIND_SERVICE (the systemd unit has a line for it), or choose a port above 1023',
      )
    default:
      return fault(
        `port ${port} cannot be opened (${problem})`,
        `--listen ${option} cannot be opened: ${problem}`,
        'Choose another address or port',
      )
  }
}

export const listeners: Check<InsideScene> = {
  id: 'listeners',
  needs: ['configuration'],
  async run({ machine, running, settings, silent }) {
    const { listen } = withDiscoveryListeners(settings)
    // UDP and TCP have each their own ports.
    const targets = [UDP_SCHEMES, TCP_SCHEMES, DTLS_SCHEMES]
      .flatMap((schemes) => wildcardListenTargets(listen, schemes))
      .filter(({ address }) => address.port !== 0)
    return judgeListeners(
      await Promise.all(
        targets.map(async (target): Promise<ListenerFacts> => {
          const problem = await whyNotListen(target)
          const protocol = TCP_SCHEMES.includes(target.scheme) ? 'TCP' : 'UDP'
          const { host, port } = target.address
          const isTaken = problem?.code === 'EADDRINUSE'
          const holder = isTaken ? portHolder(machine, protocol === 'TCP' ? 'tcp' : 'udp', host, port) : null
          const server = running.find((one) => isListeningOn(one, target) || one.pid === holder?.pid)
          return {
            option: target.spec.text,
            ...{ protocol, host, port, problem: problem?.code ?? problem?.message ?? '' },
            holder: holder?.text ?? null,
            servedBy: isTaken ? (server?.pid ?? null) : null,
            silentServer: isTaken ? silentServerOf(holder, silent) : null,
          }
        }),
      ),
    )
  },
}

/** Where the system does not say who has a port, a server that may not be asked is the likeliest. */
function silentServerOf(holder: PortHolder | null, silent: readonly number[]): string | null {
  if (holder === null) return silent.length === 0 ? null : `a turnd perhaps (process ${silent.join(' or ')})`
  return holder.isTurnd || silent.includes(holder.pid) ? `a turnd (process ${holder.pid})` : null
}
