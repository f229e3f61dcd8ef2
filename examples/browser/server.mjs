// A web service with a TURN server beside it: serves index.html and gives each visitor credentials that hold for ten minutes.
// Run it after `npm run build`: node examples/browser/server.mjs
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createTurnServer } from 'turnd'

const LIFETIME_SECONDS = 600
const { HOST, HTTP_PORT = '8080', TURN_PORT = '3478' } = process.env

// What the web service and the TURN server both know, and nobody else.
const secret = randomBytes(32).toString('hex')
const turn = createTurnServer({
  realm: 'example.org',
  listen: `${HOST ?? '*'}:${TURN_PORT}`,
  authSecret: secret,
  ...(HOST === undefined ? {} : { relayIp: HOST }),
})
turn.on('allocation', ({ user, client, relayed }) => console.log(`${user} at ${client} relays through ${relayed}`))
turn.on('refusal', ({ reason, user, source }) => console.log(`refused ${user || 'somebody'} at ${source}: ${reason}`))

/** TURN REST: the name says until when it holds and whose it is, the password proves that this service has made it. */
function credentialsFor(name) {
  const username = `${Math.floor(Date.now() / 1000) + LIFETIME_SECONDS}:${name}`
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') }
}

const page = readFileSync(new URL('index.html', import.meta.url))
const http = createServer((request, response) => {
  if (request.url === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(page)
  else if (request.url === '/ice-servers') {
    // A service of yours asks here who it is.
    const urls = turn.uris()
    const body = JSON.stringify([{ urls, ...credentialsFor('visitor') }])
    response.setHeader('content-type', 'application/json').setHeader('cache-control', 'no-store').end(body)
  } else response.writeHead(404).end()
})

const end = () => {
  http.close()
  http.closeAllConnections()
  turn.drain(5)
}
process.once('SIGTERM', end)
process.once('SIGINT', end)

await turn.start()
http.listen(Number(HTTP_PORT), HOST, () => {
  const [, host] = /^turn:(\[.*\]|[^:]*)/.exec(turn.uris()[0])
  console.log(`open http://${host}:${http.address().port}/`)
})
