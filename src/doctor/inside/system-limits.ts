// What the system allows a server: open files, socket buffers, connections that its firewall tracks.

import { availableParallelism } from 'node:os'
import { LISTENER_BUFFER_BYTES } from '../../limits/engines.js'
import { hasListeners, TCP_SCHEMES } from '../../net/listen-targets.js'
import { openFileLimit } from '../../net/open-file-limit.js'
import { filesNeeded, type OpenFilesPlan, openFilesWarning } from '../../server/open-files.js'
import { FAMILY_IPV4 } from '../../stun/address.js'
import { type Check, type Judgement, notChecked, warning, well } from '../check.js'
import { type Machine, sysctlNumber } from '../machine.js'
import { warningOf } from '../two-parts.js'
import type { InsideScene } from './scene.js'

/** Of one allocation: its client's flow, and those of some peers. */
const FLOWS_OF_ALLOCATION = 4

/** @param limit of the server that runs, or of this shell */
export function judgeOpenFiles(plan: OpenFilesPlan, limit: number, whose: string): Judgement {
  const text = openFilesWarning(plan, limit)
  if (text === null) return well(`${whose} may open ${limit} files, and needs up to ${filesNeeded(plan)}`)
  return warningOf(`${whose === 'this shell' ? 'as started from this shell, ' : `${whose}: `}${text}`)
}

/** @param readMax,writeMax net.core.rmem_max and wmem_max in bytes; NaN where the system does not say */
export function judgeBuffers(readMax: number, writeMax: number): Judgement {
  if (Number.isNaN(readMax) || Number.isNaN(writeMax))
    return notChecked('the system does not say how large socket buffers may be')
  const small = [
    ...(readMax < LISTENER_BUFFER_BYTES ? [`net.core.rmem_max=${LISTENER_BUFFER_BYTES}`] : []),
    ...(writeMax < LISTENER_BUFFER_BYTES ? [`net.core.wmem_max=${LISTENER_BUFFER_BYTES}`] : []),
  ]
  if (small.length === 0) return well(`socket buffers may have ${Math.min(readMax, writeMax)} bytes`)
  return warning(
    `socket buffers may have ${Math.min(readMax, writeMax)} bytes, and turnd asks for ${LISTENER_BUFFER_BYTES} on its listeners: bursts of media are lost when it is busy`,
    `Run sysctl -w ${small.join(' ')} (and keep it in /etc/sysctl.d)`,
  )
}

/** @param trackedMax net.netfilter.nf_conntrack_max; NaN: the firewall tracks nothing here */
export function judgeConntrack(trackedMax: number, maxAllocations: number): Judgement {
  const needed = maxAllocations * FLOWS_OF_ALLOCATION
  if (Number.isNaN(trackedMax)) return well('the firewall of this machine tracks no connections')
  if (trackedMax >= needed) return well(`the firewall of this machine tracks up to ${trackedMax} connections`)
  return warning(
    `the firewall of this machine tracks ${trackedMax} connections at most, and ${maxAllocations} allocations have some ${needed}: what is more is dropped without a word`,
    `Run sysctl -w net.netfilter.nf_conntrack_max=${2 ** Math.ceil(Math.log2(needed))}, or take the relay range out of tracking (notrack)`,
  )
}

export const openFiles: Check<InsideScene> = {
  id: 'open-files',
  needs: ['configuration'],
  async run({ machine, running, settings }) {
    const { listen, maxAllocations, maxPort, minPort, relayIp } = settings
    const hasStreams = hasListeners(listen, TCP_SCHEMES)
    const workerCount = settings.workers ?? availableParallelism()
    const families = new Set(relayIp.map((host) => (host.includes(':') ? 6 : FAMILY_IPV4)))
    const plan = {
      ...{ maxAllocations, hasStreams, listenerCount: listen.length, portCount: maxPort - minPort + 1 },
      ...{ relayHostCount: relayIp.length || 1, familyCount: families.size || 1 },
      workerCount: workerCount * (hasStreams ? 2 : 1),
    }
    const limit = running.length === 0 ? null : limitOf(machine, running[0].pid)
    if (limit !== null) return judgeOpenFiles(plan, limit, `the server (process ${running[0].pid})`)
    return judgeOpenFiles(plan, openFileLimit(), 'this shell')
  },
}

export const buffers: Check<InsideScene> = {
  id: 'socket-buffers',
  needs: [],
  run: async ({ machine }) =>
    judgeBuffers(sysctlNumber(machine, 'net.core.rmem_max'), sysctlNumber(machine, 'net.core.wmem_max')),
}

export const conntrack: Check<InsideScene> = {
  id: 'connection-tracking',
  needs: ['configuration'],
  run: async ({ machine, settings }) =>
    judgeConntrack(sysctlNumber(machine, 'net.netfilter.nf_conntrack_max'), settings.maxAllocations),
}

function limitOf(machine: Machine, pid: number): number | null {
  const count = /^Max open files +(\d+)/m.exec(machine.readText(`/proc/${pid}/limits`) ?? '')?.[1]
  return count === undefined ? null : Number(count)
}
