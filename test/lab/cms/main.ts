// A stand-in for a Cisco Meeting Server, as a command: the web bridge and the call bridge in one process. Run by the lab in its namespace `cms`.
import type { AddressInfo } from 'node:net'
import { CallBridge } from './call-bridge.js'
import { type CmsOptions, HELP, readOptions } from './options.js'
import { createReport } from './report.js'
import { createWebBridge } from './web-bridge.js'

async function run(options: CmsOptions): Promise<void> {
  const report = createReport((line) => process.stdout.write(line))
  const callBridge = new CallBridge(options, report)
  const web = createWebBridge(options, callBridge, report)
  await new Promise<void>((resolve, reject) => {
    web.once('error', reject).listen(options.listenPort, options.listenHost, resolve)
  })
  const { address, port } = web.address() as AddressInfo
  if (!options.isCallBridgeTrusted) {
    report('log', {
      text: 'webbridge: the certificate of the call bridge is not in the trust bundle: guests cannot join',
    })
  }
  report('ready', { url: `http://${address}:${port}` })
  const stop = async () => {
    web.close()
    web.closeAllConnections()
    await callBridge.close()
    // werift keeps sockets of what it has given up.
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop())
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(HELP)
  else await run(options)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
