// Users of an outside store over every transport of a real server, on both engines: each request waits where its client is connected.
import { hash } from 'node:crypto'
import t from 'tap'
import { createTurnServer, type TurnServer } from '../../src/index.js'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { testCertificate } from '../support/certificate.js'
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import { ENGINES, withoutDtls } from '../support/engines.js'
import { connectTcp, connectTls, type StreamTransport } from '../support/stream-client.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { TurnClient } from '../support/turn-client.js'
import { json, startWebService } from '../support/web-service.js'

const REALM = 'example.org'
const USER = { username: 'carol', password: 'of the service', realm: REALM }
const KEY = hash('md5', `${USER.username}:${REALM}:${USER.password}`, 'hex')
const MIN_PORTS = { dgram: 33_750, native: 33_800 } as const

const { cert, certPath, keyPath } = testCertificate()
const WAYS: Readonly<Record<string, (port: number) => Promise<ClientTransport>>> = {
  udp: (port) => connectUdp('127.0.0.1', port),
  tcp: (port) => connectTcp('127.0.0.1', port),
  tls: (port) => connectTls('127.0.0.1', port, cert),
  dtls: (port) => connectDtls('127.0.0.1', port),
}

for (const engine of ENGINES) {
  t.test(`users of a web service with the ${engine.name} engine`, { skip: engine.skip || withoutDtls }, async (t) => {
    const service = await startWebService(t, (response) => json(response, 200, { key: KEY }))
    const optionsOf = (path: string) => ({
      ...{ ...engine.options, realm: REALM, authWebhook: `${service.url}/${path}`, cert: certPath, key: keyPath },
      ...{ listen: Object.keys(WAYS).map((scheme) => `${scheme}:127.0.0.1:0`), relayIp: ['127.0.0.1'] },
      ...{ allowPeer: ['127.0.0.0/8'], minPort: MIN_PORTS[engine.name], maxPort: MIN_PORTS[engine.name] + 49 },
      adminListen: 'none',
    })
    const server: TurnServer = createTurnServer(optionsOf('one'))
    t.teardown(() => server.stop())
    await server.start()
    const portOf = (scheme: string) => server.address().find(({ transport }) => transport === scheme)?.port ?? 0
    const connect = async (scheme: string) => TurnClient.on(t, await WAYS[scheme](portOf(scheme)), USER)
    /** The stores are others from now on: what workers know is forgotten. */
    const forget = async (path: string) => {
      t.match(await server.reconfigure(optionsOf(path)), { applied: true, errors: [] })
    }

    for (const scheme of Object.keys(WAYS)) {
      t.test(
        `a new client over ${scheme} waits for the service, is answered, and its next request waits for nobody`,
        async (t) => {
          await forget(scheme)
          const client = await connect(scheme)
          const count = service.asked.length
          t.equal((await client.allocate()).code, 0)
          t.equal(service.asked.length, count + 1)
          t.match(service.asked.at(-1), {
            path: `/turn/${scheme}`,
            body: { user: 'carol', realm: REALM, source: '127.0.0.1' },
          })
          t.equal((await client.refresh()).code, 0)
          t.equal(service.asked.length, count + 1)
        },
      )
    }

    for (const scheme of ['tcp', 'tls']) {
      t.test(`a data connection over ${scheme} waits as well, and nothing is lost or framed behind it`, async (t) => {
        const [control, peer] = [await connect(scheme), await TcpPeer.open(t)]
        t.equal((await control.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })).code, 0)
        const id = (await control.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
        await forget(`${scheme}-data`)
        const data = await connect(scheme)
        const count = service.asked.length
        t.equal((await data.bindConnection(id)).code, 0)
        t.ok(service.asked.length > count, 'it was asked for')
        const { bytes } = await peer.accepted.next()
        const stream = (data.transport as StreamTransport).data
        stream.write('there')
        bytes.write('back')
        t.equal(await bytes.readText(5), 'there')
        t.equal(await stream.readText(4), 'back')
      })
    }
  })
}
