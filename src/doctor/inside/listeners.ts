// The ports of --listen and --admin-listen: free, or taken by a server of this state directory that runs already.
import { isWildcardHost } from '../../config/listen-spec.js'
import { whyNotListen } from '../../net/can-listen.js'
import {
  DTLS_SCHEMES,
  type ListenTarget,
  TCP_SCHEMES,
  UDP_SCHEMES,
  wildcardListenTargets,
} from '../../net/listen-targets.js'
import { type Check, fault, type Judgement, well } from '../check.js'
import { portHolder } from '../port-holder.js'
import type { RunningServer } from '../running-servers.js'
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
  /** A server of this state directory that has it. */
  readonly servedBy: number | null
}

export function judgeListeners(facts: readonly ListenerFacts[]): Judgement[] {
  const faults = facts.flatMap((one) => (one.problem === '' || one.servedBy !== null ? [] : [judgeProblem(one)]))
  if (faults.length > 0) return faults
  const served = facts.find(({ servedBy }) => servedBy !== null)
  const ports = [...new Set(facts.map(({ port, protocol }) => `${protocol} ${port}`))].join(', ')
  if (served !== undefined) return [well(`${ports}: served by the turnd that runs here (process ${served.servedBy})`)]
  return [well(`${ports}: free, no server listens there yet`)]
}

function judgeProblem({ holder, host, option, port, problem, protocol }: ListenerFacts): Judgement {
  const place = `${protocol} port ${port}`
  switch (problem) {
    case 'EADDRINUSE': {
      const who = holder ?? 'another program'
      const move =
        port === 443
          ? ', or move that program to another port (a web server can stand behind turnd: --http-upstream)'
          : ''
      return fault(
        `${place} is taken by ${who}`,
        `--listen ${option} cannot be opened: ${place} is taken by ${who}`,
        `Stop ${who}, or choose another port for turnd${move}`,
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
        `${place} needs privileges that this account has not`,
        `--listen ${option} cannot be opened by this account: ports below 1024 need privileges`,
        'Start turnd with CAP_NET_BIND_SERVICE (the systemd unit has a line for it), or choose a port above 1023',
      )
    default:
      return fault(
        `${place} cannot be opened (${problem})`,
        `--listen ${option} cannot be opened: ${problem}`,
        'Choose another address or port',
      )
  }
}

export const listeners: Check<InsideScene> = {
  id: 'listeners',
  needs: ['configuration'],
  async run({ machine, running, settings }) {
    // UDP and TCP have each their own ports.
    const targets = [UDP_SCHEMES, TCP_SCHEMES, DTLS_SCHEMES]
      .flatMap((schemes) => wildcardListenTargets(settings.listen, schemes))
      .filter(({ address }) => address.port !== 0)
    return judgeListeners(
      await Promise.all(
        targets.map(async (target): Promise<ListenerFacts> => {
          const problem = await whyNotListen(target)
          const protocol = TCP_SCHEMES.includes(target.scheme) ? 'TCP' : 'UDP'
          const { host, port } = target.address
          const isTaken = problem?.code === 'EADDRINUSE'
          return {
            option: target.spec.text,
            ...{ protocol, host, port, problem: problem?.code ?? problem?.message ?? '' },
            holder: isTaken ? portHolder(machine, protocol === 'TCP' ? 'tcp' : 'udp', port) : null,
            servedBy: isTaken ? serverOf(target, running) : null,
          }
        }),
      ),
    )
  },
}

function serverOf({ address, scheme }: ListenTarget, running: readonly RunningServer[]): number | null {
  const isThere = (listening: string) => {
    const [, itsScheme, host, port] = /^([a-z]+):(.*):(\d+)$/.exec(listening) ?? []
    const isHost =
      isWildcardHost(address.host) ||
      `${address}`.startsWith(`${host}:`) ||
      isWildcardHost(host.replace(/^\[|\]$/g, ''))
    return itsScheme === scheme && Number(port) === address.port && isHost
  }
  return running.find(({ listening }) => listening.some(isThere))?.pid ?? null
}
