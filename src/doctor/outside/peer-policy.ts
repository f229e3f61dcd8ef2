// What the server relays to that no client should reach: itself, the machines beside it, the metadata service of its cloud (RFC 8656 §21.1.4,
// CVE-2020-3482). Asked by binding channels; nothing is sent there.

import { allocate } from '../../client/allocate.js'
import { StunError } from '../../client/client-error.js'
import { hostAddress } from '../../stun/address.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import type { OutsideScene } from './scene.js'

const HTTP_PORT = 80
const LOOPBACK = 'its own loopback address'
const METADATA = 'the metadata service of clouds, which hands out credentials'
const PRIVATE = 'private networks'
const TARGETS = [
  { host: '127.0.0.1', what: LOOPBACK, isFault: true },
  { host: '0.0.0.0', what: 'the unspecified address, which leads to its loopback', isFault: true },
  { host: '169.254.169.254', what: METADATA, isFault: true },
  { host: '10.255.255.254', what: PRIVATE, isFault: false },
  { host: '192.168.255.254', what: PRIVATE, isFault: false },
  // Of IPv6 relays; the second is the first of IPv4 in disguise.
  { host: '::1', what: LOOPBACK, isFault: true },
  { host: '::ffff:127.0.0.1', what: LOOPBACK, isFault: true },
  { host: 'fd00:ec2::254', what: METADATA, isFault: true },
  { host: 'fd00::fffe', what: PRIVATE, isFault: false },
] as const

export interface PolicyFacts {
  /** Of TARGETS, what the server binds a channel to. */
  readonly granted: readonly string[]
  /** The server's own address and port, if it binds a channel to it; '' if not. */
  readonly ownSocket: string
}

export function judgePeerPolicy({ granted, ownSocket }: PolicyFacts): Judgement[] {
  const open = TARGETS.filter(({ host }) => granted.includes(host))
  const holes = open.filter(({ isFault }) => isFault)
  const judged: Judgement[] = []
  if (holes.length > 0) {
    judged.push(
      fault(
        'the server relays to where no client should get',
        `the server lets clients reach ${holes.map(({ host, what }) => `${host}, ${what}`).join('; ')}: whoever has a password gets at services behind its firewall`,
        `Deny these peers: ${holes.map(({ host }) => host).join(', ')} (coturn: denied-peer-ip; turnd denies them unless --allow-peer opens them)`,
      ),
    )
  }
  if (ownSocket !== '') {
    judged.push(
      warning(
        `the server relays to its own listener, ${ownSocket}: relays through relays hide who sends`,
        'Deny its own addresses as peers (coturn: denied-peer-ip; turnd never relays to its own sockets)',
      ),
    )
  }
  const networks = open.filter(({ isFault }) => !isFault).map(({ host }) => host)
  if (networks.length > 0) {
    judged.push(
      warning(
        `the server relays into private networks (${networks.join(', ')})`,
        'Deny private peers but those that clients are to reach (coturn: denied-peer-ip; turnd does unless --allow-peer opens them)',
      ),
    )
  }
  return judged.length > 0 ? judged : [well('the server refuses its own, private and special addresses as peers')]
}

export const peerPolicy: Check<OutsideScene> = {
  id: 'peer-policy',
  needs: ['credentials'],
  run: (scene) => scene.inTurn(() => lookAtPolicy(scene)),
}

async function lookAtPolicy(scene: OutsideScene): Promise<Judgement[]> {
  const client = await scene.openClient(scene.credentials())
  try {
    const { relayed } = await allocate(client)
    const own = client.transport.remoteAddress
    const targets = TARGETS.filter(({ host }) => hostAddress(host)?.family === relayed.family)
    const peers = [...targets.map(({ host }) => hostAddress(host, HTTP_PORT)!), own]
    // Unlike a permission a channel names a port: the address of a relay may be good for relays, and for nothing else.
    const isOpen = await Promise.all(peers.map((peer) => isGranted(client.bindChannel(peer))))
    const granted = targets.filter((_, index) => isOpen[index]).map(({ host }) => host)
    return judgePeerPolicy({ granted, ownSocket: isOpen.at(-1) ? `${own}` : '' })
  } finally {
    await client.close()
  }
}

async function isGranted(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    if (error instanceof StunError) return false
    throw error
  }
}
