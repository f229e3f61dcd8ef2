// The certificate that clients are shown: its names, its days, and who has signed it.
import { type CertificateProblemCode, isoSeconds } from '../../client/peer-security.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import { portText } from './reachable.js'
import type { OutsideScene, WayState } from './scene.js'

const DAY_MS = 86_400_000
/** As of the server itself. */
const EXPIRY_WARNING_DAYS = 14

export function judgePeerCertificate(host: string, state: WayState, nowMs: number): Judgement[] {
  const { security } = state
  if (security === null) return []
  const where = portText(state)
  if (security.problems.length > 0)
    return security.problems.map(({ code, text }) => judgeProblem(code, text, host, where))
  const end = Date.parse(security.certificate?.validTo ?? '')
  if (Number.isNaN(end))
    return [warning(`${where}: the certificate ends on ${isoSeconds(end)}`, 'Get another one: clients may refuse it')]
  const daysLeft = Math.floor((end - nowMs) / DAY_MS)
  if (daysLeft <= EXPIRY_WARNING_DAYS) {
    return [
      warning(
        `${where}: the certificate expires in ${daysLeft} days`,
        'Renew it: a running turnd takes the new file by itself',
      ),
    ]
  }
  return [well(`${where}: the certificate is good for ${host}, ${daysLeft} days more`)]
}

function judgeProblem(code: CertificateProblemCode, text: string, host: string, where: string): Judgement {
  const found = `${where}: ${text}`
  switch (code) {
    case 'wrong-name':
      return fault(
        `the certificate does not name ${host}`,
        `${found}: browsers refuse turns: there`,
        `Get a certificate that names ${host} (turnd cert --name ${host} makes a request for one), or give clients a name that it has`,
      )
    case 'expired':
      return fault(
        'the certificate has expired',
        `${found}: clients refuse it`,
        "Renew it: a running turnd takes the new file by itself; if it is new, look at this machine's clock",
      )
    case 'not-yet-valid':
      return fault(
        'the certificate is not valid yet',
        `${found}: clients refuse it`,
        'Look at the clocks of this machine and of the one that made the certificate',
      )
    case 'self-signed':
      return fault(
        'the certificate is signed by itself',
        `${found}: browsers refuse turns: there`,
        'Get one from an authority that clients trust; if they trust this one, give it to the doctor as --ca FILE',
      )
    case 'untrusted':
      return fault(
        'clients do not trust the certificate',
        `${found}: browsers refuse turns: there`,
        'Give turnd the whole chain as --cert (such as fullchain.pem); if clients know its authority, give that to the doctor as --ca FILE',
      )
  }
}

export const tlsCertificate: Check<OutsideScene> = {
  id: 'tls-certificate',
  needs: ['reachable'],
  async run(scene) {
    const states = await scene.survey()
    return states.flatMap((state) => judgePeerCertificate(scene.host, state, Date.now()))
  },
}
