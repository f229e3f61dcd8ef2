// Relays over IPv6: peers that have nothing else need them.
import { StunError } from '../../client/client-error.js'
import { type Check, type Judgement, warning, well } from '../check.js'
import type { OutsideScene } from './scene.js'

/** @param code 0: it gives one @param isMeant the server's options have an IPv6 relay address */
export function judgeIpv6(code: number, relayed: string, isMeant: boolean): Judgement {
  if (code === 0) return well(`the server gives IPv6 relays (${relayed})`)
  if (!isMeant) return well(`the server gives no IPv6 relays (${code}): peers that have IPv6 alone cannot be reached`)
  return warning(
    `the server gives no IPv6 relays (${code}), and its options have an IPv6 relay address`,
    'Restart it with them: a reload does not open another relay address',
  )
}

export const ipv6: Check<OutsideScene> = {
  id: 'ipv6',
  needs: ['credentials'],
  run: (scene) => scene.inTurn(() => tryIpv6(scene)),
}

async function tryIpv6(scene: OutsideScene): Promise<Judgement> {
  const isMeant = scene.settings?.relayIp.some((host) => host.includes(':')) ?? false
  const client = await scene.openClient(scene.credentials())
  try {
    const { relayed } = await client.allocate({ family: 6 })
    return judgeIpv6(0, `${relayed}`, isMeant)
  } catch (error) {
    if (error instanceof StunError) return judgeIpv6(error.number, '', isMeant)
    throw error
  } finally {
    await client.close()
  }
}
