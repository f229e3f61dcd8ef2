// The options of the stand-in for a Cisco Meeting Server, and its --help. The defaults are those of the deployment that the lab reproduces.
import { parseArgs } from 'node:util'

export interface CmsOptions {
  /** Where the web bridge listens for plain HTTP: the edge has the TLS. */
  readonly listenHost: string
  readonly listenPort: number
  /** The call bridge's admin interface: `https://HOST:PORT`. */
  readonly apiUrl: string
  readonly apiUser: string
  readonly apiPasswordFile: string
  /** Certificates (PEM) to trust as the admin interface's; null: Node's own list. */
  readonly apiCaFile: string | null
  /** `turn-servers.json` of the admin interface's state directory, where the passwords are. */
  readonly storeFile: string
  /** Call IDs that exist. */
  readonly spaces: readonly string[]
  /** The name by which guests come. */
  readonly guestName: string
  /** Whom `turns:` URIs name, so that the edge's certificate fits; null: the browser gets none. */
  readonly turnsName: string | null
  readonly turnsPort: number
  readonly isCallBridgeTrusted: boolean
  /** What the page does with candidates that are no relays: `all` tries them. */
  readonly icePolicy: 'relay' | 'all'
  /** How long the page waits for media, and the call bridge for its relay candidate. */
  readonly connectSeconds: number
  readonly relaySeconds: number
  /** Of the first call. */
  readonly callNumber: number
}

export const HELP = `A stand-in for a Cisco Meeting Server: the web bridge's page for guests, and a call bridge that returns to each guest what he sends.

  node build/test/lab/cms/main.js [options]

  --listen HOST:PORT          plain HTTP, behind the edge's --http-upstream (127.0.0.1:0)
  --api URL                   the admin interface, where the TURN servers are (https://admin.cms.octavio.local:445)
  --api-user NAME             (admin)
  --api-password-file FILE    needed
  --api-ca FILE               whose certificate the admin interface may have
  --store FILE                turn-servers.json of its state directory, for the passwords; needed
  --space ID                  a Call ID that exists; again for more (100101)
  --guest-name NAME           the host that guests ask for; another one is a bad request (cmsweb.octavio.com)
  --turns NAME:PORT           what turns: URIs name, or none (vcse.octavio.com:443)
  --ice-policy relay|all      what the page may try (relay: nothing else gets through the firewall)
  --no-trust                  the web bridge does not trust the call bridge: no Join button
  --connect-seconds N         how long the page waits for media (15)
  --relay-seconds N           how long the call bridge waits for its relay candidate (5)
  --call-number N             of the first call (6)
  --help                      print this

It writes one JSON object a line to standard output; "event":"log" has the lines that an operator of a CMS would see.
`

const SCHEMA = {
  listen: { type: 'string', default: '127.0.0.1:0' },
  api: { type: 'string', default: 'https://admin.cms.octavio.local:445' },
  'api-user': { type: 'string', default: 'admin' },
  'api-password-file': { type: 'string' },
  'api-ca': { type: 'string' },
  store: { type: 'string' },
  space: { type: 'string', multiple: true },
  'guest-name': { type: 'string', default: 'cmsweb.octavio.com' },
  turns: { type: 'string', default: 'vcse.octavio.com:443' },
  'ice-policy': { type: 'string', default: 'relay' },
  'no-trust': { type: 'boolean', default: false },
  'connect-seconds': { type: 'string', default: '15' },
  'relay-seconds': { type: 'string', default: '5' },
  'call-number': { type: 'string', default: '6' },
  help: { type: 'boolean', default: false },
} as const

/** null for --help. Throws an Error with a sentence. */
export function readOptions(argv: readonly string[]): CmsOptions | null {
  const { values } = parseArgs({ args: [...argv], options: SCHEMA })
  if (values.help) return null
  const [listenHost, listenPort] = hostAndPort('--listen', values.listen)
  const [turnsName, turnsPort] = values.turns === 'none' ? [null, 0] : hostAndPort('--turns', values.turns)
  const { 'ice-policy': icePolicy } = values
  if (icePolicy !== 'relay' && icePolicy !== 'all') throw new Error('--ice-policy is relay or all')
  return {
    ...{ listenHost, listenPort, turnsName, turnsPort, icePolicy },
    ...{ apiUrl: values.api, apiUser: values['api-user'], apiCaFile: values['api-ca'] ?? null },
    apiPasswordFile: needed('--api-password-file', values['api-password-file']),
    storeFile: needed('--store', values.store),
    spaces: values.space ?? ['100101'],
    guestName: values['guest-name'].toLowerCase(),
    isCallBridgeTrusted: !values['no-trust'],
    connectSeconds: positive('--connect-seconds', values['connect-seconds']),
    relaySeconds: positive('--relay-seconds', values['relay-seconds']),
    callNumber: positive('--call-number', values['call-number']),
  }
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${name} is needed`)
  return value
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`${name} is a number above 0`)
  return value
}

function hostAndPort(name: string, text: string): [string, number] {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined) throw new Error(`${name} is HOST:PORT`)
  return [host, Number(port)]
}
