// Debian's coturn client over TCP, TLS and DTLS, and with TCP relays (RFC 6062), against the server on both engines: to an echo peer
// and client to client, over channels and over Send indications. Every message must arrive. `npm run test:long` makes the runs longer.
import t from 'tap'
import { testCertificate } from '../support/certificate.js'
import { startEchoPeer } from '../support/echo-peer.js'
import { ENGINES, MAIN_ENGINE, withoutDtls } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { startServerOn } from '../support/server-process.js'
import { UCLIENT_PASSWORD } from '../support/uclient.js'
import { STREAM_COMMANDS, streamServerArgs } from '../support/uclient-commands.js'
import { endsWithoutStalls, uclientLosesNothing } from '../support/uclient-load.js'

const RELAY_PORTS = {
  dgram: ['--min-port', '19000', '--max-port', '19199'],
  native: ['--min-port', '19200', '--max-port', '19399'],
}

const isLong = process.env.TURND_TEST_LONG === '1'
const LOAD = isLong ? { messages: 200, clients: 8, length: 1000 } : { messages: 50, clients: 4, length: 1000 }
/** The client waits more than it works: between messages, and while it connects. */
const RUNS_AT_ONCE = isLong ? 1 : 7

t.setTimeout(isLong ? 1_800_000 : 240_000)
// Both engines side by side where the load is small.
t.jobs = isLong ? 1 : 2

const withoutCoturn = peerOrSkip('turnutils_uclient')

for (const engine of ENGINES) {
  const options = { skip: withoutCoturn || engine.skip, buffered: true, jobs: RUNS_AT_ONCE }
  t.test(`the coturn client over streams and DTLS, ${engine.name} engine`, options, async (t) => {
    const server = await startServerOn(t, engine, [...streamServerArgs(testCertificate()), ...RELAY_PORTS[engine.name]])
    const peerPort = await startEchoPeer(t)
    // Of the second engine one of each kind over each transport: behind the stream it is the same.
    const commands = STREAM_COMMANDS.filter(
      ({ name }) => isLong || engine === MAIN_ENGINE || /to a peer, channels|TCP relays/.test(name),
    )
    const runs = commands.map(({ name, scheme, flagsFor }, index) =>
      t.test(`loses nothing ${name}`, { buffered: true, skip: scheme === 'dtls' && withoutDtls }, (t) => {
        const from = `127.0.19.${index + 1}`
        const target = { host: '127.0.0.1', port: server.port('', scheme), password: UCLIENT_PASSWORD, from }
        return uclientLosesNothing(t, server, { ...target, flags: flagsFor(peerPort), ...LOAD })
      }),
    )
    await Promise.all(runs)
    t.test('and the server has dropped nothing', (t) => endsWithoutStalls(t, server))
  })
}
