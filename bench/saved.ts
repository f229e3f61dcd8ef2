// What --save keeps: docs/performance/CASE.json, the tables between the marks of docs/performance.md, and, made of all that is kept, the
// chart and the table of targets.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ratioChart } from './chart.js'
import { describeHost, type HostFacts } from './host.js'
import { CASE_NAMES, type CaseName } from './options.js'
import { type Ratio, type Report, type TargetRow, targetTable } from './report.js'
import { formatTable } from './table.js'

const ROOT = new URL('../../', import.meta.url)
const PAGE = new URL('docs/performance.md', ROOT)
const CHART = new URL('docs/performance/beside-coturn.svg', ROOT)

const WHAT_IS_BETTER = "Loads: packets per second of the server's CPU time. Memory and latency: how many times less."

interface SavedCase {
  readonly host: HostFacts
  readonly ratios: readonly Ratio[]
  readonly targets: readonly TargetRow[]
  readonly data: unknown
}

export function saveCase(name: CaseName, host: HostFacts, { ratios, targets, data, sections }: Report): void {
  mkdirSync(new URL('docs/performance/', ROOT), { recursive: true })
  const saved: SavedCase = { host, ratios, targets, data }
  writeFileSync(fileOf(name), toJson(saved))
  replaceSection(name, [`${describeHost(host)}.`, ...sections.map(formatSection)].join('\n\n'))
}

/** The chart and the table of targets, from every case that was saved, today or earlier. */
export function saveSummary(): void {
  const saved = CASE_NAMES.map(fileOf)
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as SavedCase)
  const hosts = [...new Set(saved.map(({ host }) => describeHost(host)))]
  const ratios = saved.flatMap((each) => each.ratios)
  if (ratios.length > 0)
    writeFileSync(CHART, ratioChart('turnd as a multiple of coturn', [WHAT_IS_BETTER, ...hosts], ratios))
  const targets = formatTable(targetTable(saved.flatMap((each) => each.targets)))
  replaceSection('targets', `${hosts.join('; ')}.\n\n${targets}`)
}

export function formatSection({ text, table }: Report['sections'][number]): string {
  return [text, table === null ? '' : formatTable(table)].filter((part) => part !== '').join('\n\n')
}

/** Numbers with six digits: more is noise, and would make every new measurement a larger change. */
export function toJson(value: unknown): string {
  const rounded = (_key: string, each: unknown) => (typeof each === 'number' ? Number(each.toPrecision(6)) : each)
  return `${JSON.stringify(value, rounded, 1)}\n`
}

function fileOf(name: CaseName): URL {
  return new URL(`docs/performance/${name}.json`, ROOT)
}

function replaceSection(name: string, content: string): void {
  const section = new RegExp(`(<!-- bench ${name} -->\n)[^]*?(<!-- end -->)`)
  const page = readFileSync(PAGE, 'utf8')
  if (!section.test(page)) throw new Error(`docs/performance.md has no section for bench ${name}`)
  writeFileSync(
    PAGE,
    page.replace(section, (_, start: string, end: string) => `${start}\n${content}\n\n${end}`),
  )
}
