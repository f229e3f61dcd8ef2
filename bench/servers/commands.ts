// How the servers under test are started: configured alike, on loopback, with one relay thread.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { ClientUser } from '../turn-dialogue.js'
import type { CertificateFiles } from './certificate.js'

export type ServerName = 'turnd' | 'turnd dgram' | 'turnd admin' | 'turnd, no users' | 'coturn' | 'coturn, turndb'

export const USER: ClientUser = { username: 'bench', password: 'bench' }
export const REALM = 'bench'
/** Below the ephemeral ports, which the benches' own sockets have; enough for the allocations of every case. */
const RELAY_PORT_MIN = 10_000
const RELAY_PORT_MAX = 32_000
const ALLOCATION_COUNT_MAX = RELAY_PORT_MAX - RELAY_PORT_MIN

export interface ServerCommand {
  readonly name: ServerName
  /** The program and its first arguments. */
  readonly program: readonly string[]
  /** @param tlsPort for servers that listen for TLS; the others leave it alone */
  readonly arguments: (port: number, directory: string, tlsPort: number) => readonly string[]
}

/** turnd's state, in the directory of a server. */
export function stateDirOf(directory: string): string {
  return join(directory, 'state')
}

/** @param script dist/turnd.js, or that of another build */
export function turndCommand(script: string, engine: string, name: ServerName = 'turnd'): ServerCommand {
  const user = `${USER.username}:${USER.password}`
  return {
    name,
    program: [process.execPath, script],
    arguments: (port, directory) => [
      ...['--realm', REALM, '--user', user, '--listen', `udp:127.0.0.1:${port}`, '--relay-ip', '127.0.0.1'],
      ...['--allow-peer', '127.0.0.0/8', '--admin-listen', 'none', '--state-dir', stateDirOf(directory)],
      ...['--min-port', String(RELAY_PORT_MIN), '--max-port', String(RELAY_PORT_MAX)],
      ...['--max-allocations', String(ALLOCATION_COUNT_MAX), '--engine', engine, '--workers', '1'],
      ...['--drain-timeout', '0'],
    ],
  }
}

/** turnd with its admin plane, at a port of its own choice. */
export function turndAdminCommand(command: ServerCommand): ServerCommand {
  return {
    ...command,
    name: 'turnd admin',
    arguments: (...args) => {
      const all = [...command.arguments(...args)]
      all[all.indexOf('--admin-listen') + 1] = '127.0.0.1:0'
      return all
    },
  }
}

/** One relay thread, and nothing that turnd does not do here: no TCP, TLS, DTLS, command line or multicast. */
export function coturnCommand(program: string): ServerCommand {
  const user = `${USER.username}:${USER.password}`
  return {
    name: 'coturn',
    program: [program],
    arguments: (port, directory) => [
      ...['-n', '--lt-cred-mech', '-u', user, '-r', REALM, '-L', '127.0.0.1', '-p', String(port), '-E', '127.0.0.1'],
      ...['--allow-loopback-peers', '--relay-threads', '1'],
      ...['--min-port', String(RELAY_PORT_MIN), '--max-port', String(RELAY_PORT_MAX)],
      ...['--no-tcp', '--no-tcp-relay', '--no-tls', '--no-dtls', '--no-cli', '--no-multicast-peers'],
      ...['--pidfile', join(directory, 'pid'), '--log-file', join(directory, 'log'), '--simple-log'],
      ...['--db', join(directory, 'db')],
    ],
  }
}

/** turnd with the users of a file. */
export function turndUsersCommand(
  command: ServerCommand,
  usersFile: string,
  name: ServerName = 'turnd',
): ServerCommand {
  return {
    ...command,
    name,
    arguments: (...args) => [...command.arguments(...args), '--users-file', usersFile],
  }
}

/** coturn with the `user` lines of a file. */
export function coturnUsersCommand(command: ServerCommand, file: string): ServerCommand {
  return {
    ...command,
    arguments: (...args) => [...command.arguments(...args).filter((argument) => argument !== '-n'), '-c', file],
  }
}

/** coturn with a database of users. */
export function coturnTurndbCommand(command: ServerCommand, turndb: string): ServerCommand {
  return {
    ...command,
    name: 'coturn, turndb',
    arguments: (...args) => {
      const all = [...command.arguments(...args)]
      all[all.indexOf('--db') + 1] = turndb
      return all
    },
  }
}

/** turnd that takes clients over TCP and TLS too, with one thread for them beside the one for UDP. */
export function turndStreamsCommand(script: string, engine: string, certificate: CertificateFiles): ServerCommand {
  const command = turndCommand(script, engine)
  return {
    ...command,
    arguments: (port, directory, tlsPort) => [
      ...command.arguments(port, directory, tlsPort),
      ...['--listen', `tcp:127.0.0.1:${port}`, '--listen', `tls:127.0.0.1:${tlsPort}`, '--stream-workers', '1'],
      ...['--cert', certificate.certificate, '--key', certificate.key],
    ],
  }
}

/** coturn that takes clients over TCP and TLS too; its one relay thread serves them all. */
export function coturnStreamsCommand(program: string, certificate: CertificateFiles): ServerCommand {
  const command = coturnCommand(program)
  return {
    ...command,
    arguments: (port, directory, tlsPort) => [
      ...command.arguments(port, directory, tlsPort).filter((argument) => !/^--no-(?:tcp|tls)$/.test(argument)),
      ...['--tls-listening-port', String(tlsPort), '--cert', certificate.certificate, '--pkey', certificate.key],
    ],
  }
}

/** What `program --version` says, or null if it does not run. */
export function coturnVersion(program: string): string | null {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim().split('\n')[0] : null
}
