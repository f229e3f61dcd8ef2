// The command `npm run lab`: brings the deployment up, makes its calls, judges and draws them, and takes everything down, whatever happens meanwhile.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { launchBrowser } from '../support/browser.js'
import { ClosingList } from '../support/closing.js'
import { FILES_DIRECTORY, removeLeftovers } from '../support/leftovers.js'
import { NAMES_DIRECTORY } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { AS_IT_IS, type CallRecord, type Finding, judgeCall, makeCall, storyOf, type Way } from './calls.js'
import { type Deployment, deploy } from './deployment.js'
import { ALL_OPEN } from './firewall.js'
import { drawLadder } from './ladder.js'
import { drawSvg, type Picture } from './ladder-svg.js'
import { type LabOptions, readLabOptions } from './run-options.js'
import { EDGE_OUTSIDE, TURN_PORT, withoutLab } from './topology.js'

/** Of video, both ways: about a second and a half. */
const FRAME_COUNT = 40
const NAME_WIDTH = 18
/** What ends the run early. All that was made is undone when the process exits. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

async function main(): Promise<number> {
  const options = readLabOptions(process.argv.slice(2))
  const missing = withoutLab() || peerOrSkip('chromium', 'openssl', 'tshark')
  if (missing !== false) throw new Error(`there can be no lab here: ${missing}`)
  for (const name of removeLeftovers()) console.log(`removed ${name}, which an earlier run had left behind`)
  for (const [signal, number] of Object.entries(SIGNALS)) process.once(signal, () => process.exit(128 + number))
  const forget = onProcessEnd(() => console.error('\nTaking the lab down.'))
  const t = new ClosingList()
  try {
    return (await showCalls(t, options)) ? 0 : 1
  } finally {
    await t.close()
    forget()
    sayWhatIsLeft()
  }
}

/** @returns whether all were as they should be */
async function showCalls(t: ClosingList, { isKept, svgFile, ways }: LabOptions): Promise<boolean> {
  const start = performance.now()
  const progress = (text: string) => console.log(`${seconds(performance.now() - start)}  ${text}`)
  console.log('Bringing up the deployment')
  const lab = await deploy(t, { isRecorded: true, progress })
  const browser = await launchBrowser(t, null, lab.outside.prefix)
  progress(`the external client: Chromium ${browser.version()}`)
  const records: CallRecord[] = []
  for (const way of ways)
    records.push(await showCall(t, lab, browser, way, `Call ${records.length + 1} of ${ways.length}`))
  const pictures = await draw(lab, records)
  if (svgFile !== null) {
    writeFileSync(svgFile, drawSvg(pictures))
    console.log(`The same is in ${svgFile}.\n`)
  }
  const good = records.filter((record) => judgeCall(record, FRAME_COUNT).every(({ isGood }) => isGood))
  console.log(`${good.length} of ${records.length} calls were as they should be.`)
  if (isKept) await keep(t, lab, browser)
  return good.length === records.length
}

async function showCall(
  t: ClosingList,
  lab: Deployment,
  browser: Browser,
  way: Way,
  title: string,
): Promise<CallRecord> {
  console.log(`\n${title}, ${way.title}`)
  const record = await makeCall(t, lab, { browser, frameCount: FRAME_COUNT, way })
  for (const finding of judgeCall(record, FRAME_COUNT)) console.log(describe(finding))
  return record
}

/** A ladder for each call, of what was recorded until now. */
async function draw({ wire }: Deployment, records: readonly CallRecord[]): Promise<Picture[]> {
  console.log('\nReading what was on the wires')
  await wire.stop()
  const frames = await wire.frames()
  const pictures = records.map((record, index) => ({
    title: records.length === 1 ? `A call ${record.way.title}` : `Call ${index + 1}, ${record.way.title}`,
    steps: storyOf(record, frames),
  }))
  for (const { steps, title } of pictures) console.log(`\n${title}\n\n${drawLadder(steps)}`)
  return pictures
}

/** Another call for each line of standard input, until a signal ends the process. */
async function keep(t: ClosingList, lab: Deployment, browser: Browser): Promise<never> {
  lab.firewall.open(ALL_OPEN)
  console.log(howToGetIn(lab))
  const again = async () => {
    await lab.wire.record(t, lab)
    const record = await showCall(t, lab, browser, AS_IT_IS, 'Another call')
    await draw(lab, [record])
    console.log('Enter makes another call, Ctrl-C takes the lab down.')
  }
  for await (const _ of createInterface({ input: process.stdin })) {
    await again().catch((error: Error) => console.log(`  NOT OK  ${error.message}`))
    await lab.wire.stop()
  }
  // Nobody types: the end of input is no reason to end, and a promise alone keeps no process.
  return new Promise<never>(() => setInterval(() => {}, 60_000))
}

function howToGetIn({ admin, cms, edge, firewall, inside, outside, turnServerPath }: Deployment): string {
  const exec = ({ name }: { readonly name: string }) => `ip netns exec ${name}`
  const wall = exec(firewall.namespace)
  return `
The lab is up until Ctrl-C. Enter makes another call through it, as it is then.

  ${exec(outside)} bash     the external client
  ${wall} bash    the firewall and the outside resolver
  ${exec(edge)} bash        the edge: turnd
  ${exec(inside)} bash      the inside network and its resolver
  ${exec(cms)} bash         the call bridge and its administration

To break something:

  ${wall} nft add rule ip filter shut meta l4proto udp drop
  ${wall} nft add rule ip filter shut ip daddr ${EDGE_OUTSIDE} tcp dport ${TURN_PORT} drop
  ${wall} nft flush chain ip filter shut      # all open again
  ${exec(cms)} curl -k -u ${admin.user}:${admin.password} -X PUT -d password=wrong \\
    ${admin.origin}${turnServerPath}
`
}

function sayWhatIsLeft(): void {
  const mark = `turnd-${process.pid}-`
  const directories = [NAMES_DIRECTORY, FILES_DIRECTORY].filter((directory) => existsSync(directory))
  const left = directories.flatMap((directory) => readdirSync(directory).filter((name) => name.startsWith(mark)))
  console.log(left.length === 0 ? 'Taken down: nothing is left.' : `Taken down, but for ${left.join(', ')}.`)
}

function describe({ isGood, lines, name }: Finding): string {
  const [first, ...others] = lines
  const head = `${isGood ? 'ok    ' : 'NOT OK'}  ${name.padEnd(NAME_WIDTH)}`
  return [`  ${head}${first}`, ...others.map((line) => `  ${' '.repeat(head.length)}${line}`)].join('\n')
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`.padStart(8)
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
