// Facts about the machine and the code that numbers are worth nothing without.
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

export interface HostFacts {
  readonly cpuModel: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly date: string
  readonly commit: string
}

export function hostFacts(): HostFacts {
  const processors = cpus()
  return {
    cpuModel: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
  }
}

export function describeHost(host: HostFacts): string {
  const machine = `${host.cores} × ${host.cpuModel}, ${host.memoryGiB} GiB, ${host.kernel}, Node ${host.node}`
  return `${machine}; ${host.date}, commit ${host.commit}`
}

/** The commit, with a plus sign if the tree has changed since; 'none' outside of a repository. */
function commit(): string {
  try {
    const run = (...args: string[]) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const id = run('rev-parse', '--short=10', 'HEAD').trim()
    return run('status', '--porcelain', '--', 'src').trim() === '' ? id : `${id}+`
  } catch {
    return 'none'
  }
}
