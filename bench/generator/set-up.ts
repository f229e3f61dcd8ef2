// Many clients set up allocations side by side: the 401 dance, Allocate, CreatePermission, ChannelBind. Measured are the pace, the
// server's CPU time, and the memory that it has more afterwards.

import { TransportAddress } from '../../src/stun/address.js'
import { coreBusySeconds, cpuTime, residentBytes } from '../servers/proc-files.js'
import { type ClientUser, TurnDialogue } from '../turn-dialogue.js'
import { Clients } from './clients.js'
import { LOOPBACK_WORD, swapBytes } from './endpoint.js'
import { setUp } from './flows.js'
import { openKernel } from './kernel.js'
import type { Target } from './stage.js'

export interface SetUpOptions {
  readonly target: Target
  readonly user: ClientUser
  readonly network: number
  readonly allocationCount: number
  /** Clients that wait for an answer at the same time. */
  readonly parallel: number
  /** Waits so long before memory is read, both times. */
  readonly settleSeconds: number
}

export interface SetUpResult {
  readonly seconds: number
  readonly allocationCount: number
  readonly serverCpuSeconds: number
  readonly coreBusySeconds: number
  readonly generatorIdle: number
  readonly retransmissions: number
  readonly residentBytesBefore: number
  readonly residentBytesAfter: number
}

/** Nobody listens there: the allocations stay idle. */
const PEER_PORT = 9

export function setUpAllocations(options: SetUpOptions): SetUpResult {
  const { target, user, network, allocationCount, parallel } = options
  const clients = new Clients(openKernel(), network, swapBytes(LOOPBACK_WORD), target.port)
  const peer = new TransportAddress().setIPv4(LOOPBACK_WORD, PEER_PORT)
  const dialogues = Array.from({ length: allocationCount }, () => new TurnDialogue(user))
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  const settle = () => Atomics.wait(sleeper, 0, 0, options.settleSeconds * 1000)
  settle()
  const residentBytesBefore = residentBytes(target.pid)
  const cpuBefore = totalSeconds(target.pid)
  const busyBefore = coreBusySeconds(target.core)
  const { seconds, idle, retransmissions } = clients.converse(
    dialogues.map((dialogue, client) => setUp(dialogue, client, peer)),
    parallel,
  )
  const serverCpuSeconds = totalSeconds(target.pid) - cpuBefore
  const busy = coreBusySeconds(target.core) - busyBefore
  settle()
  const residentBytesAfter = residentBytes(target.pid)
  clients.converse(
    dialogues.map((dialogue) => dialogue.release()),
    parallel,
  )
  clients.close()
  return {
    seconds,
    allocationCount,
    serverCpuSeconds,
    coreBusySeconds: busy,
    generatorIdle: idle,
    retransmissions,
    residentBytesBefore,
    residentBytesAfter,
  }
}

function totalSeconds(pid: number): number {
  const { userSeconds, systemSeconds } = cpuTime(pid)
  return userSeconds + systemSeconds
}
