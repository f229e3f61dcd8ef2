// The deployment that the server is for, on one machine: an external guest in Chromium joins by the external name of the page, and talks with the call
// bridge through turnd, over whatever the firewall leaves. And the lab itself: nothing of it stays, however it ends. Needs root.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { launchBrowser } from '../support/browser.js'
import { withDeadline } from '../support/deadline.js'
import { FILES_DIRECTORY } from '../support/leftovers.js'
import { NAMES_DIRECTORY } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { AS_IT_IS, type CallRecord, judgeCall, makeCall, storyOf, WAYS } from './calls.js'
import { deploy } from './deployment.js'
import { drawLadder } from './ladder.js'
import { drawSvg } from './ladder-svg.js'
import type { Step } from './story.js'
import { withoutLab } from './topology.js'

const IS_LONG = process.env.TURND_TEST_LONG === '1'
const FRAME_COUNT = IS_LONG ? 300 : 15
const RUN_MILLISECONDS_MAX = 60_000
const NETWORKS_ARE_UP = /networks, firewall and resolvers/

t.setTimeout(240_000)

const skip = withoutLab() || peerOrSkip('chromium', 'openssl', 'tshark')

/** In this order, on the wires of each call. */
const STORY = [
  /^DNS cmsweb\.octavio\.com\?/,
  /^DNS cmsweb: 10\.88\.246\.156/,
  /^TLS 443: Client Hello to cmsweb\.octavio\.com/,
  /^HTTPS: GET \/ → 200/,
  /^HTTPS: POST \/guest\/join → 200/,
  /^WAY: Allocate$/,
  /^WAY: 401, realm turnuser/,
  /^WAY: Allocate as turnuser/,
  /^WAY: relay 10\.88\.246\.156:2[4-9]\d{3}, 600 s/,
  /^WAY: CreatePermission 10\.88\.246\.156 ✓/,
  /^WAY: connectivity checks, [1-9]\d* → ← [1-9]/,
  // The handshake may go over the pair that answers first, and media over a better one.
  /^(?:UDP|TCP|TLS) \d+: DTLS, \d/,
  /^WAY: SRTP (?:opus|VP8), [1-9]/,
  /^WAY: Refresh 0/,
] as const
const PORTS = { udp: 'UDP 3478', tcp: 'TCP 3478', tls: 'TLS 443', any: '' } as const
/** What the firewall drops on each way. */
const LOST = {
  udp: [],
  tcp: [/^UDP 3478: /],
  tls: [/^UDP 3478: /, /^TCP 3478: connection attempt/],
  any: [],
} as const

t.test('calls through the deployment', { skip }, async (t) => {
  const lab = await deploy(t, { isRecorded: true })
  const browser = await launchBrowser(t, null, lab.outside.prefix)
  const records: CallRecord[] = []
  for (const way of WAYS) {
    await t.test(`a call ${way.title}`, async (t) => {
      const record = await makeCall(t, lab, { browser, frameCount: FRAME_COUNT, way })
      records.push(record)
      for (const { isGood, lines, name } of judgeCall(record, FRAME_COUNT)) t.ok(isGood, `${name}: ${lines.join('; ')}`)
    })
  }
  await t.test('a call through what was shut by hand: no page opens, and that is its record', async (t) => {
    const chain = ['ip', 'filter', 'shut']
    const [command, ...prefix] = [...lab.firewall.namespace.prefix, 'nft']
    const nft = (...args: string[]) => execFileSync(command, [...prefix, ...args], { encoding: 'utf8' })
    nft('add', 'rule', ...chain, 'tcp', 'dport', '443', 'reject', 'with', 'tcp', 'reset')
    const record = await makeCall(t, lab, { browser, frameCount: FRAME_COUNT, way: AS_IT_IS })
    t.match(record.call, { state: 'failed', problem: /^page\.goto: net::ERR_CONNECTION_REFUSED/ })
    t.match(nft('list', 'chain', ...chain), 'tcp dport 443 reject', 'nobody has opened it')
    t.match(judgeCall(record, FRAME_COUNT), [
      { isGood: false, name: 'failed', lines: [/^the browser: page\.goto/] },
      {},
    ])
  })
  await lab.wire.stop()
  const frames = await lab.wire.frames()
  const pictures = records.map((record) => ({
    title: record.way.title,
    steps: storyOf(record, frames),
  }))
  for (const [index, { way }] of records.entries()) {
    const { steps, title } = pictures[index]
    t.test(`the ladder of the call ${title} has what happened, in order`, async (t) => {
      const ladder = drawLadder(steps)
      let from = 0
      for (const form of STORY) {
        const wanted = new RegExp(form.source.replace('WAY', PORTS[way.name]))
        const at = steps.findIndex((step, at) => at >= from && textsOf(step).some((text) => wanted.test(text)))
        if (!t.ok(at >= 0, String(wanted), { ladder })) break
        from = at
      }
      const lost = steps.flatMap(({ arrows }) => arrows.filter(({ isLost }) => isLost).map(({ text }) => text))
      for (const form of LOST[way.name])
        t.ok(
          lost.some((text) => form.test(text)),
          `${form} ends at the firewall`,
        )
      if (LOST[way.name].length === 0) t.same(lost, [])
      // The call bridge may answer to another relay of the browser's.
      for (const kind of ['opus', 'VP8']) t.match(ladder, new RegExp(`: SRTP ${kind}, \\d+ → ← [1-9]`))
    })
  }
  t.test('as SVG the ladders have the same arrows', async (t) => {
    const svg = drawSvg(pictures)
    const arrows = pictures.flatMap(({ steps }) =>
      steps.flatMap((step) => step.arrows.filter(({ from, to }) => from !== to)),
    )
    t.equal(svg.match(/<line class="arrow/g)?.length, arrows.length)
    t.match(svg, /prefers-color-scheme: dark/)
  })
})

t.test('npm run lab leaves nothing behind', { skip, jobs: 2 }, async (t) => {
  t.test('when it is ended half-way, or killed: then the next run removes it', { buffered: true }, async (t) => {
    for (const signal of IS_LONG ? (['SIGTERM', 'SIGINT', 'SIGHUP'] as const) : (['SIGTERM'] as const)) {
      const killed = await startRun(t, NETWORKS_ARE_UP)
      killed.child.kill('SIGKILL')
      await killed.ended()
      t.not(leftBy(killed.pid).length, 0, 'it was there')
      const next = await startRun(t, NETWORKS_ARE_UP)
      t.same(leftBy(killed.pid), [], 'the next run has removed it')
      t.not(leftBy(next.pid).length, 0)
      next.child.kill(signal)
      t.equal(await next.ended(), 128 + constants.signals[signal])
      t.same(leftBy(next.pid), [], signal)
    }
  })
  t.test('when a part of it does not start, and says which', { buffered: true }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'turnd-lab-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    writeFileSync(join(directory, 'dnsmasq'), '#!/bin/sh\necho dnsmasq: out of order\nexit 1\n', { mode: 0o755 })
    const run = await startRun(t, /out of order/, { PATH: `${directory}:${process.env.PATH}` })
    t.equal(await run.ended(), 1)
    t.same(leftBy(run.pid), [])
  })
})

function textsOf({ arrows }: Step): string[] {
  return arrows.map(({ text }) => text)
}

interface Run {
  readonly child: ChildProcess
  readonly pid: number
  ended(): Promise<number | null>
}

/** Resolves when the run has said this. */
async function startRun(t: Test, form: RegExp, environment: Readonly<Record<string, string>> = {}): Promise<Run> {
  const program = join(projectRoot, 'build', 'test', 'lab', 'run.js')
  // Without NODE_OPTIONS: tap instruments the processes that its tests start.
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/tmp', ...environment },
  })
  t.teardown(onProcessEnd(() => child.kill('SIGKILL')))
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const found = new Promise<void>((resolve) => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        said += `${line}\n`
        if (form.test(line)) resolve()
      })
    }
  })
  const waited = Promise.race([found, closed.then(() => form.test(said) || Promise.reject(new Error(said)))])
  await withDeadline(waited, RUN_MILLISECONDS_MAX, () => said)
  return { child, pid: child.pid!, ended: () => withDeadline(closed, RUN_MILLISECONDS_MAX, () => said) }
}

/** Namespaces, and their files in /etc. */
function leftBy(pid: number): string[] {
  const directories = [NAMES_DIRECTORY, FILES_DIRECTORY].filter((directory) => existsSync(directory))
  return directories.flatMap((directory) => readdirSync(directory).filter((name) => name.startsWith(`turnd-${pid}-`)))
}
