// The value of --redis: where a Redis server is, and who we are to it. What is wrong with it is told without showing it, for the password in it.
import { FAMILY_IPV6, hostAddress } from '../stun/address.js'
import { printable } from './printable.js'
import { hasControlCharacter, ValueProblem, type ValueType } from './value-type.js'

const HOST_FORM = 'redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB]'
const PATH_FORM = 'unix:/PATH[?db=DB]'
const PORT_DEFAULT = 6379
/** A server has 16 databases unless its configuration has another number, which is an int there. */
const DATABASE_MAX = 2_147_483_647
const DOT_NAME = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$/i

export interface RedisServer {
  /** As operators know it: without the password. */
  readonly shown: string
  /** Without brackets; null with a path. */
  readonly host: string | null
  /** 0 with a path. */
  readonly port: number
  /** Of its socket; null with a host. */
  readonly path: string | null
  readonly isTls: boolean
  readonly username: string | null
  readonly password: string | null
  readonly database: number
}

export const redisServer: ValueType<RedisServer> = {
  kind: 'text',
  placeholder: 'URL',
  expected: `${HOST_FORM} or ${PATH_FORM}`,
  schema: { type: 'string', minLength: 1 },
  parse(text) {
    if (hasControlCharacter(text)) throw new ValueProblem('has a control character: give a URL without it')
    return text.startsWith('unix:') ? parsePath(text) : parseUrl(text)
  },
}

function parseUrl(text: string): RedisServer {
  const [, scheme, rest] = /^(rediss?):\/\/(.*)$/i.exec(text) ?? []
  if (rest === undefined) throw problem('give a URL such as redis://127.0.0.1:6379/0')
  // The last one: passwords that were never meant for a URL have them, too.
  const at = rest.lastIndexOf('@')
  const place = rest.slice(at + 1)
  if (/[?#]/.test(place)) throw problem('leave out the ? or # and what follows')
  const [, name, port, database] = /^(\[[^\]/]*\]|[^:/]*)(?::([^/]*))?(?:\/(.*))?$/.exec(place) ?? []
  if (name === undefined) throw problem('the host is followed by a colon and the port, or by a slash and the database')
  const host = hostOf(name)
  const address = { host, port: portOf(port), database: databaseOf(database ?? '') }
  const identity = at < 0 ? { username: null, password: null } : identityOf(rest.slice(0, at))
  const user = identity.username === null ? '' : `${encodeURIComponent(identity.username)}@`
  const shownHost = host.includes(':') ? `[${host}]` : host
  const shown = `${scheme.toLowerCase()}://${user}${shownHost}:${address.port}/${address.database}`
  return { shown, ...address, ...identity, path: null, isTls: scheme.toLowerCase() === 'rediss' }
}

function parsePath(text: string): RedisServer {
  const [, path, query] = /^unix:(?:\/\/)?(\/[^?#]*[^?#/])(?:\?db=(.*))?$/.exec(text) ?? []
  if (path === undefined) {
    throw new ValueProblem(
      `is not ${PATH_FORM}: give the path of the socket, such as unix:/run/redis/redis-server.sock, and a password by --redis-password-file`,
    )
  }
  const database = databaseOf(query ?? '', PATH_FORM)
  const shown = `unix:${printable(path)}${database === 0 ? '' : `?db=${database}`}`
  return { shown, path, database, host: null, port: 0, isTls: false, username: null, password: null }
}

function hostOf(text: string): string {
  const isBracketed = text.startsWith('[')
  const host = isBracketed ? text.slice(1, -1) : text
  const isHost = isBracketed ? hostAddress(host)?.family === FAMILY_IPV6 : DOT_NAME.test(host)
  if (!isHost) throw problem('its host is a name or an IP address, IPv6 in brackets')
  return host
}

function portOf(text: string | undefined): number {
  if (text === undefined) return PORT_DEFAULT
  const port = Number(text)
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65535) throw problem('its port is a number from 1 to 65535')
  return port
}

function databaseOf(text: string, form = HOST_FORM): number {
  const database = Number(text)
  if (!/^[0-9]*$/.test(text) || database > DATABASE_MAX) throw problem('its database is a number such as 0', form)
  return database
}

function identityOf(text: string): { readonly username: string | null; readonly password: string | null } {
  const colon = text.indexOf(':')
  const [name, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  try {
    const [username, word] = [decodeURIComponent(name), decodeURIComponent(password)]
    if (!hasControlCharacter(username + word)) return { username: username || null, password: word || null }
  } catch {
    // A % that begins no code.
  }
  throw problem('its user and password have % as %25, and nothing that cannot be typed')
}

function problem(reason: string, form = HOST_FORM): ValueProblem {
  return new ValueProblem(`is not ${form}: ${reason}`)
}
