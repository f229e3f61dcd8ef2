// Debian's Firefox ESR.
import { execFileSync } from 'node:child_process'
import { servePage } from '../../../support/browser.js'
import { openFirefox } from '../../../support/firefox.js'
import { BROWSER_CALL, CALL_PAGE, callInBrowser } from '../browser-call.js'
import { HAS, type MatrixClient, type Target } from '../contract.js'
import { versionIn } from '../version.js'

/** In the server's certificate; the browser resolves it to the target's address. */
const SERVER_NAME = 'turn.test'

export const firefox: MatrixClient = {
  id: 'firefox',
  name: 'Firefox ESR',
  how: `${BROWSER_CALL}, headless, by puppeteer-core over WebDriver BiDi; its profile has the test’s authority (\`certutil\`)`,
  needs: ['firefox', 'certutil'],
  supports: {
    udp: HAS,
    tcp: HAS,
    tls: HAS,
    dtls: {
      kind: 'none',
      why: 'Firefox has no TURN over DTLS: it leaves out `turns:…?transport=udp`, without an `icecandidateerror`.',
    },
  },
  remarks: [
    'A `turns:` URI has to have a name: one with an IP address is left out, without an `icecandidateerror`, whatever the certificate says. `turn:` takes both.',
  ],
  version: async () => versionIn(execFileSync('firefox-esr', ['--version'], { encoding: 'utf8', stdio: 'pipe' })),
  call: async (target, t) => {
    const url = await servePage(t, CALL_PAGE)
    const page = await openFirefox(t, url, { authorityPath: target.authorityPath, address: target.host })
    return callInBrowser(page, uriOf(target), target)
  },
}

function uriOf({ transport, port, uri }: Target): string {
  return transport === 'tls' ? `turns:${SERVER_NAME}:${port}?transport=tcp` : uri
}
