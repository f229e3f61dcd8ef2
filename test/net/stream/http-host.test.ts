// Pages that are asked for by another name than those of --http-name.
import t from 'tap'
import { REFUSAL_TEXT_LENGTH_MAX } from '../../../src/limits/reports.js'
import { misdirectionText } from '../../../src/log/connection-refusals.js'
import { misdirectedText, misdirectionOf } from '../../../src/net/stream/http-host.js'
import { ask, exchange, startEntry, startUpstream } from '../../support/http-stage.js'

const NAME = 'cmsweb.octavio.com'
const INTERNAL = 'cmsweb.cms.octavio.local'
const BAD_REQUEST = { names: [NAME], status: 400 } as const

t.setTimeout(240_000)

t.test('a request for a page', async (t) => {
  const hosts: string[] = []
  const { origin } = await startUpstream(t, (request, response) => {
    hosts.push(request.headers.host ?? '')
    response.end('page')
  })
  const { misdirected, port } = await startEntry(t, origin, { pageNames: BAD_REQUEST })

  t.test('by one of the names goes to the upstream, whatever its case, dot and port', async (t) => {
    const spellings = [NAME, 'CMSweb.Octavio.COM', `${NAME}.`, `${NAME}:443`, `${NAME}:8443`]
    for (const host of spellings) t.equal((await ask(port, { headers: { host } })).status, 200, host)
    t.same(hosts.splice(0), spellings)
    t.equal(
      (await exchange(port, `GET http://${NAME}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).slice(0, 15),
      'HTTP/1.1 200 OK',
    )
    t.same(misdirected, [])
    hosts.splice(0)
  })

  t.test('by another one is refused, names the right one, and is told with what was asked for', async (t) => {
    const { body, headers, status } = await ask(port, { headers: { host: `${INTERNAL}:443` } })
    t.equal(status, 400)
    t.equal(body, `Bad request: this server has no page of that name, ask for ${NAME}.\n`)
    t.match(headers, { connection: 'close', 'content-type': 'text/plain; charset=utf-8' })
    t.same(misdirected.splice(0), [['203.0.113.7:55555', `Host "${INTERNAL}:443" instead of ${NAME}`]])
    t.same(hosts, [])
  })

  t.test('in other ways of asking too', async (t) => {
    const websocket = `GET / HTTP/1.1\r\nHost: ${INTERNAL}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
    const absolute = `GET https://${INTERNAL}/ HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`
    const lookalikes = [
      `${NAME}.evil.test`,
      `evil-${NAME}`,
      'octavio.com',
      `${NAME}@evil.test`,
      '10.88.246.156',
      `[::1]`,
    ]
    for (const text of [websocket, absolute, 'GET / HTTP/1.0\r\n\r\n', ...lookalikes.map(getOf)]) {
      t.match(await exchange(port, text), /^HTTP\/1\.1 400 Bad Request\r\n/, text)
    }
    t.equal(misdirected.length, 3 + lookalikes.length)
    t.match(misdirected[2], [/./, `no Host instead of ${NAME}`])
    t.same(hosts, [])
  })
})

t.test('the profile of the RFCs says Misdirected Request (RFC 9110 §15.5.20)', async (t) => {
  const { origin } = await startUpstream(t, (_request, response) => response.end('page'))
  const { port } = await startEntry(t, origin, { pageNames: { names: [NAME, 'vcse.octavio.com'], status: 421 } })
  const { body, status } = await ask(port, { headers: { host: INTERNAL } })
  t.equal(status, 421)
  t.equal(body, `Misdirected request: this server has no page of that name, ask for ${NAME} and vcse.octavio.com.\n`)
})

t.test('without names every host is passed on', async (t) => {
  const { origin } = await startUpstream(t, (_request, response) => response.end('page'))
  const { port } = await startEntry(t, origin)
  t.equal((await ask(port, { headers: { host: INTERNAL } })).status, 200)
})

t.test('what is told of it', async (t) => {
  const socketOf = (servername: unknown) => ({ servername }) as never
  const textOf = (host: string, servername: unknown) =>
    misdirectionText(misdirectionOf(host, BAD_REQUEST, socketOf(servername))!)
  t.test('names the client hello where that says something else', async (t) => {
    t.equal(textOf(INTERNAL, INTERNAL), `Host "${INTERNAL}" instead of ${NAME}`)
    t.equal(textOf(INTERNAL, false), `Host "${INTERNAL}" instead of ${NAME}`)
    t.equal(textOf('10.88.246.156', INTERNAL), `Host "10.88.246.156" (over TLS for "${INTERNAL}") instead of ${NAME}`)
  })
  t.test('is bounded, and breaks no line', async (t) => {
    const text = textOf(`a\n"\u001b[31m${'x'.repeat(10_000)}`, 'y'.repeat(10_000))
    t.ok(text.length < 2 * REFUSAL_TEXT_LENGTH_MAX + 100)
    t.notMatch(text, /[\u0000-\u001f]/)
    const names = Array.from({ length: 100 }, (_, index) => `a${index}.test`)
    t.match(misdirectedText({ names, status: 421 }), /a4\.test and 95 more\.$/)
  })
})

function getOf(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
}
