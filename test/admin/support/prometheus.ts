// Debian's Prometheus as a process on ports of its own, scraping one server each second; and questions to its HTTP API.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Closing } from '../../support/closing.js'
import { withDeadline } from '../../support/deadline.js'
import { findCommand } from '../../support/peers.js'
import { onProcessEnd } from '../../support/process-end.js'
import { projectRoot } from '../../support/project-root.js'

export const RULES_PATH = join(projectRoot, 'packaging/prometheus/turnd-alerts.yml')

export interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}
interface Dashboard {
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
}

export const DASHBOARD: Dashboard = JSON.parse(readFileSync(join(projectRoot, 'packaging/grafana/turnd.json'), 'utf8'))
/** Each with the title of its panel. */
export const DASHBOARD_QUERIES = DASHBOARD.panels.flatMap(({ targets = [], title }) =>
  targets.map(({ expr }) => ({ title, expr })),
)

const START_MILLISECONDS_MAX = 60_000

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

export interface RuleState {
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly state: string
}

/** What `promtool` says to this text on its standard input; '' when it has no complaint. */
export function promtool(args: readonly string[], input = ''): string {
  try {
    execFileSync(findCommand('promtool')!, args, { input, stdio: 'pipe' })
    return ''
  } catch (error) {
    const { stderr, stdout } = error as { stderr: Buffer; stdout: Buffer }
    return `${stdout}${stderr}`
  }
}

export class Prometheus {
  readonly #port: number

  /** @param port of its HTTP API */
  private constructor(port: number) {
    this.#port = port
  }

  /** @param target HOST:PORT; @param rulePath of a file of alerts */
  static async start(t: Closing, target: string, rulePath: string): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'turnd-prometheus-'))
    const configPath = join(directory, 'prometheus.yml')
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rulePath],
      scrape_configs: [{ job_name: 'turnd', static_configs: [{ targets: [target] }] }],
    }
    // JSON is YAML.
    writeFileSync(configPath, JSON.stringify(config))
    const args = [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ]
    const child = spawn(findCommand('prometheus')!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const forget = onProcessEnd(() => child.kill('SIGKILL'))
    t.teardown(async () => {
      forget()
      if (child.exitCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    })
    return new Prometheus(await portOf(child))
  }

  /** Throws what Prometheus says if the query is none. */
  query(query: string): Promise<QueryResult[]> {
    return this.#ask<{ result: QueryResult[] }>('query', { query }).then(({ result }) => result)
  }

  async alerts(): Promise<RuleState[]> {
    const { groups } = await this.#ask<{ groups: { rules: RuleState[] }[] }>('rules', {})
    return groups.flatMap(({ rules }) => rules)
  }

  async #ask<Data>(path: string, parameters: Record<string, string>): Promise<Data> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const answer = (await response.json()) as { status: string; data: Data; error?: string }
    if (answer.status !== 'success') throw new Error(answer.error)
    return answer.data
  }
}

/** Of its HTTP API, once it is ready. */
async function portOf(child: ChildProcess): Promise<number> {
  const lines: string[] = []
  let port = 0
  const said = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line)
      port = Number(/msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port)
      if (line.includes('Server is ready to receive web requests')) resolve()
    })
    child.once('exit', () => reject(new Error(`prometheus ended: ${lines.join('\n')}`)))
  })
  await withDeadline(said, START_MILLISECONDS_MAX, () => `prometheus is not ready: ${lines.slice(-5).join('\n')}`)
  return port
}
