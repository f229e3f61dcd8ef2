// Debian's Chromium.
import { execFileSync } from 'node:child_process'
import { openPage } from '../../../support/browser.js'
import { BROWSER_CALL, CALL_PAGE, callInBrowser } from '../browser-call.js'
import { HAS, type MatrixClient } from '../contract.js'
import { versionIn } from '../version.js'

export const chromium: MatrixClient = {
  id: 'chromium',
  name: 'Chromium',
  how: `${BROWSER_CALL}, headless, by playwright-core; it trusts the key of the test’s certificate`,
  needs: ['chromium'],
  supports: {
    udp: HAS,
    tcp: HAS,
    tls: HAS,
    dtls: {
      kind: 'none',
      why: 'Chromium has no TURN over DTLS: of `turns:…?transport=udp` it makes `transport=tcp` (its `icecandidateerror` names that URL), and speaks TLS.',
    },
  },
  remarks: [],
  version: async () => versionIn(execFileSync('chromium', ['--version'], { encoding: 'utf8', stdio: 'pipe' })),
  call: async (target, t) =>
    callInBrowser(await openPage(t, CALL_PAGE, { trusted: target.certificate }), target.uri, target),
}
