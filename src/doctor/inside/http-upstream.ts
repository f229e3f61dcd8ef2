// The web server that shares port 443 with TURN: it answers, and browsers that come to the port find one.
import { type PortState, tcpPortState } from '../../client/port-state.js'
import { hasListeners } from '../../net/listen-targets.js'
import { type Check, type Judgement, warning, well } from '../check.js'
import type { InsideScene } from './scene.js'

const HTTPS_PORT = 443

/** @param state of the upstream's port; null without an upstream */
export function judgeUpstream(upstream: string | null, state: PortState | null, isOnHttpsPort: boolean): Judgement {
  if (upstream === null || state === null) {
    return isOnHttpsPort
      ? well(
          'TURN has port 443 to itself: browsers that open a page there get 404 (--http-upstream names a web server for them)',
        )
      : well('no web server shares the port of TLS')
  }
  if (state === 'open') return well(`the web server ${upstream} takes connections`)
  return warning(
    `the web server ${upstream} ${state === 'closed' ? 'refuses connections' : 'gives no answer'}: browsers get 502, while TURN goes on`,
    'Start it, or mend --http-upstream',
  )
}

export const httpUpstream: Check<InsideScene> = {
  id: 'http-upstream',
  needs: ['configuration'],
  async run({ patienceMs, settings: { httpUpstream: upstream, listen } }) {
    if (!hasListeners(listen, ['tls'])) return []
    const isOnHttpsPort = listen.some(({ port, scheme }) => scheme === 'tls' && port === HTTPS_PORT)
    if (upstream === null) return judgeUpstream(null, null, isOnHttpsPort)
    const { hostname, port, protocol } = new URL(upstream)
    const defaultPort = protocol === 'https:' ? HTTPS_PORT : 80
    const host = hostname.replace(/^\[|\]$/g, '')
    return judgeUpstream(upstream, await tcpPortState(host, Number(port) || defaultPort, patienceMs), isOnHttpsPort)
  },
}
