// The call bridge's TURN servers: the objects of its admin interface, asked for before each call, so that what an operator changes there is true of
// the next one. The interface never returns a password: that is read where the interface keeps it.
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { TYPE_DEFAULT, TYPES, UDP_PORT } from '../../../src/admin/cms/names.js'
import { parseHostWord } from '../../../src/client/turn-uri.js'
import type { CmsOptions } from './options.js'

const PATH = '/api/v1/turnServers'
const API_MILLISECONDS_MAX = 5_000

export interface CmsTurnServer {
  readonly id: string
  /** What the call bridge uses, by UDP. */
  readonly server: HostPort
  /** What browsers are told: for UDP, and for TCP. */
  readonly client: HostPort
  readonly tcpPort: number
  readonly username: string
  readonly password: string
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

export type ApiAccess = Pick<CmsOptions, 'apiUrl' | 'apiUser' | 'apiPasswordFile' | 'apiCaFile' | 'storeFile'>

/** Rejects with an Error that says what the admin interface answered. */
export async function readTurnServers(access: ApiAccess): Promise<CmsTurnServer[]> {
  const list = await ask(access, PATH)
  const ids = [...list.matchAll(/<turnServer id="([^"]+)"/g)].map(([, id]) => id)
  if (ids.length === 0) return []
  const passwords = await readPasswords(access.storeFile)
  return Promise.all(
    ids.map(async (id) => {
      const xml = await ask(access, `${PATH}/${id}`)
      const serverAddress = elementOf(xml, 'serverAddress')
      const type = elementOf(xml, 'type')
      return {
        id,
        server: hostPortOf(serverAddress),
        client: hostPortOf(elementOf(xml, 'clientAddress') || serverAddress),
        tcpPort: Number(elementOf(xml, 'tcpPortNumberOverride')) || tcpPortOf(type),
        username: elementOf(xml, 'username'),
        password: passwords.get(id) ?? '',
      }
    }),
  )
}

async function readPasswords(file: string): Promise<Map<string, string>> {
  const { turnServers } = JSON.parse(await readFile(file, 'utf8')) as {
    turnServers: { id: string; password?: string }[]
  }
  return new Map(turnServers.map(({ id, password = '' }) => [id, password]))
}

async function ask(access: ApiAccess, path: string): Promise<string> {
  const { apiCaFile, apiPasswordFile, apiUrl, apiUser } = access
  const [password, ca] = await Promise.all([
    readFile(apiPasswordFile, 'utf8'),
    apiCaFile === null ? undefined : readFile(apiCaFile, 'utf8'),
  ])
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, apiUrl), {
      auth: `${apiUser}:${password.trimEnd()}`,
      agent: false,
      timeout: API_MILLISECONDS_MAX,
      ...(ca === undefined ? {} : { ca }),
    })
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer from ${apiUrl}`)))
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${apiUrl}${path} answers ${response.statusCode}: ${text.trim().slice(0, 200)}`))
      })
    })
    outgoing.end()
  })
}

function hostPortOf(text: string): HostPort {
  const { host, port } = parseHostWord(text) ?? { host: text, port: null }
  return { host, port: port ?? UDP_PORT }
}

function tcpPortOf(type: string): number {
  return type in TYPES ? TYPES[type as keyof typeof TYPES].tcpPort : TYPES[TYPE_DEFAULT].tcpPort
}

/** '' if there is none. */
function elementOf(xml: string, name: string): string {
  const [, text = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? []
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, number, entity) =>
    number === undefined ? (ENTITIES[entity] ?? whole) : String.fromCodePoint(Number(number)),
  )
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
