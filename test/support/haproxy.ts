// Debian's haproxy in front of a server of a test, with the PROXY header.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { before, closedPort } from './http-stage.js'
import { findCommand } from './peers.js'
import { onProcessEnd } from './process-end.js'

/**
 * Starts one on a free port of both loopback addresses, which is returned before it listens; it ends with `t`.
 * @param send how it tells the client's address to the server at `serverPort`, such as `send-proxy-v2`
 */
export async function startHaproxy(t: Test, send: string, serverPort: number): Promise<number> {
  const port = await closedPort()
  const config = join(t.testdir(), 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 20
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:${port}
  bind [::1]:${port}
  server back 127.0.0.1:${serverPort} ${send}
`,
  )
  const haproxy = spawn(findCommand('haproxy') ?? '', ['-db', '-f', config], { stdio: 'ignore' })
  const ended = new Promise((resolve) => haproxy.once('exit', resolve))
  const forget = onProcessEnd(() => haproxy.kill('SIGKILL'))
  t.teardown(async () => {
    haproxy.kill('SIGTERM')
    forget()
    await before(ended, 'the end of haproxy')
  })
  return port
}
