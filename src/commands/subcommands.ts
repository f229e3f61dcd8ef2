// What `turnd NAME …` runs instead of a server. Each is loaded when it is asked for: a server starts without them.
import type { SubcommandName } from '../config/arguments.js'

/** Answers with the exit code. */
type Subcommand = (argv: readonly string[], io: NodeJS.Process) => Promise<number>

const RUN: Readonly<Record<SubcommandName, Subcommand>> = {
  user: async (argv, io) => (await import('./user.js')).runUserCommand(argv, io),
  convert: async (argv, io) => (await import('./convert.js')).runConvertCommand(argv, io),
  cert: async (argv, io) => (await import('./cert.js')).runCertCommand(argv, { ...outputs(io), now: Date.now }),
  why: async (argv, io) => (await import('./why.js')).runWhyCommand(argv, io),
  probe: async (argv, io) => (await import('./probe.js')).runProbeCommand(argv, io),
  doctor: async (argv, io) => (await import('./doctor.js')).runDoctorCommand(argv, io),
  credentials: async (argv, io) => (await import('./credentials.js')).runCredentialsCommand(argv, io),
  dns: async (argv, io) => (await import('./dns.js')).runDnsCommand(argv, io),
  resolve: async (argv, io) => (await import('./resolve.js')).runResolveCommand(argv, io),
  login: async (argv, io) => (await import('./login.js')).runLoginCommand(argv, io),
}

/** undefined for what is no subcommand: an option of the server, most often. */
export function findSubcommand(name: string | undefined): Subcommand | undefined {
  return name !== undefined && Object.hasOwn(RUN, name) ? RUN[name as SubcommandName] : undefined
}

function outputs({ stderr, stdout }: NodeJS.Process) {
  return { stderr, stdout }
}
