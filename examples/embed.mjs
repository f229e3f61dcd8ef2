// A TURN server inside another program, for example beside a web application's signalling or in its tests.
// Run it after `npm run build`: node examples/embed.mjs
import { createTurnServer } from 'turnd'

const server = createTurnServer({
  realm: 'example.org',
  listen: '127.0.0.1:0', // UDP and TCP, each on an ephemeral port: uris() tells which
  relayIp: '127.0.0.1',
  minPort: 40_000,
  maxPort: 40_999,
  user: { name: 'alice', password: 'secret' },
  userQuota: 10,
})

server.on('allocation', ({ user, client, relayed }) => console.log(`${user} at ${client} relays through ${relayed}`))
server.on('refusal', ({ reason, user, source }) => console.log(`refused ${user || 'somebody'} at ${source}: ${reason}`))
server.on('warning', (text) => console.warn(text))

// Media in flight gets up to ten seconds to end.
process.once('SIGTERM', () => server.drain(10))
process.once('SIGINT', () => server.stop())

await server.start()
console.log(`give your clients: ${server.uris().join(' ')}, username alice, credential secret`)
