// The stand-in for the meeting server, on loopback and without a browser: a guest made of werift, one turnd that is both the edge and the call bridge's
// administration. What the lab shows with Chromium through a firewall rests on this.
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { temporaryDirectory } from '../support/certificate.js'
import { RELAY_TIMEOUT, UNAUTHORIZED } from './cms/relay-trouble.js'
import { startLoopbackEdge } from './loopback-edge.js'
import { type StandIn, startStandIn } from './stand-in.js'
import { callByWerift, type IceServer, offerWithoutCandidates } from './werift-guest.js'

const GUEST_NAME = 'cmsweb.octavio.com'
const CALL_ID = '100101'

t.test('the stand-in for the meeting server', async (t) => {
  const edge = await startLoopbackEdge(t)
  const passwordFile = join(temporaryDirectory(), 'password')
  const { api } = edge
  writeFileSync(passwordFile, `${api.password}\n`)
  const options = [
    ...['--api', api.url, '--api-user', api.user, '--api-ca', api.certPath, '--api-password-file', passwordFile],
    ...['--store', api.storeFile, '--turns', 'none', '--relay-seconds', '2'],
  ]
  const cms = await startStandIn(t, options)
  /** Of the call bridge, in the call that succeeds. */
  let relayed = ''

  t.test('joins a guest by Call ID, and returns his audio and video, from relay to relay', async (t) => {
    const { body } = await ask(cms, 'POST', '/guest/join', { callId: CALL_ID })
    const { id, iceServers } = body as { id: string; iceServers: IceServer[] }
    const server = `turn:127.0.0.1:${edge.server.port()}`
    t.same(iceServers[0].urls, [`${server}?transport=udp`, `${server}?transport=tcp`])
    await callByWerift(t, iceServers, async (sdp) => {
      const answer = await ask(cms, 'POST', `/guest/calls/${id}/offer`, { sdp })
      return (answer.body as { sdp: string }).sdp
    })
    const pair = await cms.waitFor(({ event }) => event === 'pair')
    relayed = `127.0.0.1:${(pair as unknown as { local: { port: number } }).local.port}`
    t.match(pair, { local: { type: 'relay', address: '127.0.0.1' }, remote: { address: '127.0.0.1' } })
    const counted = await ask(cms, 'GET', `/guest/calls/${id}`)
    for (const kind of ['audio', 'video']) {
      const { received, sent } = (counted.body as Record<string, Record<string, { packets: number }>>)[kind]
      t.ok(received.packets > 0 && sent.packets > 0, `${kind} is counted both ways`)
    }
    await ask(cms, 'POST', `/guest/calls/${id}/leave`, { reason: 'the guest has left' })
    await cms.waitForLog('call 6: media connected')
    await cms.waitForLog('call 6: ended; the guest has left')
    t.notMatch(told(cms), edge.turnServer.password, 'and its lines have no password')
  })

  t.test('gives its relay back when the call ends', async () => {
    await edge.server.waitForLog((line) => line.event === 'allocation-deleted' && String(line.relayed) === relayed)
  })

  t.test('has no meeting under another Call ID', async (t) => {
    const { body, status } = await ask(cms, 'POST', '/guest/join', { callId: '100102' })
    t.equal(status, 404)
    t.same(body, { problem: 'There is no meeting with this Call ID.' })
    await cms.waitForLog('no space has the Call ID "100102"')
  })

  t.test('answers a request for another host with "bad request", and its log names both hosts', async (t) => {
    const { body, status } = await ask(cms, 'GET', '/', undefined, 'cmsweb.cms.octavio.local')
    t.equal(status, 400)
    t.equal(body, 'bad request\n')
    await cms.waitForLog('bad request for "cmsweb.cms.octavio.local", guests come by "cmsweb.octavio.com"')
    t.equal(
      (await ask(cms, 'GET', '/guest.css', undefined, `${GUEST_NAME}:443`)).status,
      200,
      'a port is no other host',
    )
  })

  t.test('lets nobody join where the web bridge does not trust the call bridge', async (t) => {
    const cms = await startStandIn(t, [...options, '--no-trust'])
    t.match((await ask(cms, 'GET', '/guest')).body, { isTrusted: false })
    const { body, status } = await ask(cms, 'POST', '/guest/join', { callId: CALL_ID })
    t.equal(status, 503)
    t.match(body, { problem: /does not trust/ })
  })

  t.test(
    'with a wrong password in the API: the guest joins, gets no candidate, and the log says unauthorized',
    async (t) => {
      await edge.changeTurnServer({ password: 'wrong' })
      const sdp = await answerTo(cms)
      t.match(sdp, /a=fingerprint/)
      t.notMatch(sdp, /a=candidate/)
      await cms.waitForLog(`call 7: ${UNAUTHORIZED}`)
      const { reason, user } = await edge.server.waitForLog(({ event }) => event === 'refusal')
      t.same({ reason, user }, { reason: 'bad-password', user: edge.turnServer.username })
    },
  )

  t.test('with a TURN server that does not answer the log says timeout', async (t) => {
    const silent = createSocket('udp4')
    t.teardown(() => silent.close())
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
    const serverAddress = `127.0.0.1:${silent.address().port}`
    await edge.changeTurnServer({ serverAddress, password: edge.turnServer.password })
    t.notMatch(await answerTo(cms), /a=candidate/)
    await cms.waitForLog(`call 8: ${RELAY_TIMEOUT}`)
  })
})

const told = ({ lines }: StandIn) => lines.map((line) => JSON.stringify(line)).join('\n')

interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A request as the edge passes it on. */
function ask({ url }: StandIn, method: string, path: string, body?: object, host = GUEST_NAME): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, url), { method, headers: { host }, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('error', reject).once('end', () => {
        const isJson = response.headers['content-type'] === 'application/json'
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text })
      })
    })
    outgoing.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The SDP that a guest without candidates of his own gets. */
async function answerTo(cms: StandIn): Promise<string> {
  const { body } = await ask(cms, 'POST', '/guest/join', { callId: CALL_ID })
  const sdp = await offerWithoutCandidates()
  const answer = await ask(cms, 'POST', `/guest/calls/${(body as { id: string }).id}/offer`, { sdp })
  return (answer.body as { sdp: string }).sdp
}
