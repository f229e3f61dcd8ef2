// Rows "many permissions or channels" and "ports" (Refresh and churn): what a user with a password may have is capped, and given back.
import type { TransportAddress } from '../../../src/stun/address.js'
import { until } from '../../command/until.js'
import { openFileCount } from '../../support/process-memory.js'
import type { TurnClient } from '../../support/turn-client.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import type { Ground } from '../ground.js'
import { BUSY_MEMORY_RULES } from '../judge.js'
import { codeFailures, storm, stormReport } from '../storm.js'

const PERMISSION_COUNT_MAX = 128
const CHANNEL_COUNT_MAX = 128
const CHANNEL_COUNT = 0x1000
const CHURNER_COUNT = 20
const REFRESHER_COUNT = 4
/** Newcomers of the moment, and what the innocents have. */
const FILES_OF_OTHERS = 60

function peerOf(index: number): TransportAddress {
  return addressOf(
    `127.${100 + (index % 20)}.${Math.floor(index / 20) % 250}.${1 + (Math.floor(index / 5_000) % 250)}`,
    9,
  )
}

async function permissionFlood(ground: Ground): Promise<AttackReport> {
  const client = await ground.allocation()
  const request = (_: TurnClient, index: number) => client.createPermission(peerOf(index))
  const result = await storm({
    clients: [client],
    depth: 16,
    milliseconds: ground.milliseconds,
    countMin: 200,
    request,
  })
  const failures = codeFailures(result, { 0: PERMISSION_COUNT_MAX, 508: 'some' })
  const { code } = await client.createPermission(peerOf(0))
  if (code !== 0) failures.push(`one that exists is refreshed with ${code}`)
  return stormReport(ground, result.milliseconds, failures)
}

async function channelFlood(ground: Ground): Promise<AttackReport> {
  const client = await ground.allocation()
  const request = (_: TurnClient, index: number) =>
    client.bindChannel(0x4000 + (index % CHANNEL_COUNT), peerOf(index % CHANNEL_COUNT))
  const result = await storm({
    clients: [client],
    depth: 16,
    milliseconds: ground.milliseconds,
    countMin: 200,
    request,
  })
  const bound = result.codes.get(0) ?? 0
  // A second round refreshes those that are bound.
  const rounds = Math.ceil(result.count / CHANNEL_COUNT)
  const failures = codeFailures(result, { 0: 'some', 508: 'some' })
  if (bound < CHANNEL_COUNT_MAX || bound > rounds * CHANNEL_COUNT_MAX) failures.push(`${bound} channels were bound`)
  return stormReport(ground, result.milliseconds, failures)
}

async function refreshStorm(ground: Ground): Promise<AttackReport> {
  const clients = await Promise.all(Array.from({ length: REFRESHER_COUNT }, () => ground.allocation()))
  const request = (client: TurnClient, index: number) => client.refresh({ lifetimeSeconds: 600 + (index % 3000) })
  const result = await storm({ clients, depth: 8, milliseconds: ground.milliseconds, request })
  return stormReport(ground, result.milliseconds, codeFailures(result, { 0: 'some' }))
}

/** Each allocates and deletes, again and again, on its own 5-tuple. */
async function churn(ground: Ground): Promise<AttackReport> {
  const { pid } = ground.data
  const filesBefore = openFileCount(pid)
  const clients = await Promise.all(Array.from({ length: CHURNER_COUNT }, () => ground.client()))
  const request = async (client: TurnClient) => {
    const allocated = await client.allocate()
    const deleted = await client.refresh({ lifetimeSeconds: 0 })
    return allocated.code === 0 ? deleted : allocated
  }
  const result = await storm({ clients, depth: 1, milliseconds: ground.milliseconds, request })
  await until(() => openFileCount(pid) <= filesBefore + FILES_OF_OTHERS, 'the relays are closed')
  const failures = codeFailures(result, { 0: 'some' })
  return { ...stormReport(ground, result.milliseconds, failures), notes: [`${result.count} allocations`] }
}

export const CAPS: readonly Attack[] = [
  {
    name: 'permission-flood',
    title: 'CreatePermission for ever more peers',
    threat: 'many permissions or channels',
    rules: BUSY_MEMORY_RULES,
    seconds: 4,
    shortSeconds: 0.3,
    run: permissionFlood,
  },
  {
    name: 'channel-flood',
    title: 'ChannelBind for ever more numbers and peers',
    threat: 'many permissions or channels',
    rules: BUSY_MEMORY_RULES,
    seconds: 4,
    shortSeconds: 0.3,
    run: channelFlood,
  },
  {
    name: 'refresh-storm',
    title: 'Refresh requests of four allocations',
    isLongOnly: true,
    threat: 'many permissions or channels',
    rules: BUSY_MEMORY_RULES,
    seconds: 4,
    shortSeconds: 0.3,
    run: refreshStorm,
  },
  {
    name: 'churn',
    title: 'allocations that are made and deleted, twenty at a time',
    threat: 'ports',
    rules: BUSY_MEMORY_RULES,
    seconds: 5,
    shortSeconds: 0.3,
    run: churn,
  },
]
