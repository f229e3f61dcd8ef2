// coturn's load client, turnutils_uclient, of Debian.
import { execFileSync } from 'node:child_process'
import { findCommand } from '../../../support/peers.js'
import { runUclient, type UclientReport } from '../../../support/uclient.js'
import { type CallReport, HAS, type MatrixClient, MESSAGE_COUNT, type Target, type Transport } from '../contract.js'
import { versionIn } from '../version.js'

const FLAGS: Readonly<Record<Transport, readonly string[]>> = {
  udp: [],
  tcp: ['-t'],
  tls: ['-t', '-S'],
  dtls: ['-S'],
}

export const coturn: MatrixClient = {
  id: 'coturn',
  name: 'coturn’s turnutils_uclient',
  how: 'two clients who send to each other’s relays over channels (`-y -c`), with IPv6 relays over IPv6 (`-x`), and the certificate verified (`-E`); what counts are its own totals. The client does not tell its version, the server of the same package does',
  needs: ['turnutils_uclient', 'turnserver'],
  supports: { udp: HAS, tcp: HAS, tls: HAS, dtls: HAS },
  remarks: [],
  version: async () =>
    versionIn(
      execFileSync(findCommand('turnserver') ?? 'turnserver', ['--version'], { encoding: 'utf8', stdio: 'pipe' }),
    ),
  call: async (target) => {
    const report = await run(target)
    // It draws channel numbers blindly: one in some thousands is one that the server must refuse.
    return reportOf(report.output.includes('channel bind: error 400') ? await run(target) : report)
  },
}

function run({ transport, family, host, port, user, password, authorityPath }: Target): Promise<UclientReport> {
  const security = FLAGS[transport].includes('-S') ? ['-E', authorityPath] : []
  const flags = ['-y', '-c', ...FLAGS[transport], ...security, ...(family === 'IPv6' ? ['-x'] : [])]
  const load = ['-m', '2', '-n', String(MESSAGE_COUNT), '-l', '200']
  return runUclient({ host, port, user, password, flags: [...flags, ...load] })
}

function reportOf({ exitCode, output, sent, received, lost, dropped }: UclientReport): CallReport {
  if (exitCode !== 0 || lost !== 0 || dropped !== 0) {
    throw new Error(`exit code ${exitCode}, lost ${lost}, dropped ${dropped}: ${output.slice(-1000)}`)
  }
  // It knows no candidates: it gets relays, and sends to them.
  return { sent, received, local: 'relay', remote: 'relay' }
}
