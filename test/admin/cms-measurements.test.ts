// Measurements of many TURN servers at once: what nobody wants any more does not begin, and a name server that is silent holds up nobody else.
import t from 'tap'
import { HostLookups } from '../../src/admin/cms/host-lookups.js'
import { Measurements } from '../../src/admin/cms/measurements.js'
import { ClientError } from '../../src/client/client-error.js'
import { CMS_MEASURING_COUNT_MAX } from '../../src/limits/cms.js'
import { silentLogger } from '../../src/log/logger.js'
import { hostAddress } from '../../src/stun/address.js'
import { closedPort } from '../support/http-stage.js'
import { UdpPeer } from '../support/udp-peer.js'

const NEVER = new AbortController().signal

t.test('objects that are changed again and again are measured as they are, not as they were', async (t) => {
  const silent = await UdpPeer.open(t)
  const tcpPortNumberOverride = await closedPort()
  const turnServer = (id: number, serverAddress: string) => ({
    ...{ id: `${id}`, serverAddress, clientAddress: '', username: '', password: '', type: 'standard' },
    tcpPortNumberOverride,
  })
  const measurements = new Measurements(silentLogger())
  const mute = `127.0.0.1:${silent.address.port}`
  measurements.follow(Array.from({ length: 2 * CMS_MEASURING_COUNT_MAX }, (_, index) => turnServer(index, mute)))
  measurements.follow([turnServer(0, `127.0.0.1:${await closedPort()}`)])
  t.equal((await measurements.status('0')).status, 'connectionFailure')
  await measurements.close(0)
  const sources = new Set((await silent.receivedSoFar()).map(({ source }) => `${source}`))
  t.ok(sources.size <= CMS_MEASURING_COUNT_MAX, `${sources.size} have begun`)
})

t.test('names of TURN servers', async (t) => {
  const asked: string[] = []
  const answers = new Map<string, Promise<void>>()
  const forgotten = new Set<string>()
  const lookups = new HostLookups(
    (host) => !forgotten.has(host),
    async (host) => {
      asked.push(host)
      await answers.get(host)
      if (host === 'nobody') throw new ClientError('no-such-host', 'nobody has no address')
      return [hostAddress('192.0.2.1', 0)!]
    },
  )
  const addressOf = async (host: string, port = 3478) => `${await lookups.addressesOf(host, port, NEVER)}`

  t.test('are looked up one at a time, each once for all who ask, and not if nobody has them any more', async (t) => {
    const [slow, answer] = gate()
    answers.set('slow', slow)
    const found = ['slow', 'gone', 'quick', 'quick'].map((host, index) => addressOf(host, 1 + index))
    found[1].catch(() => {})
    t.equal(await addressOf('192.0.2.9'), '192.0.2.9:3478', 'an address is no name')
    t.same(asked, ['slow'])
    forgotten.add('gone')
    answer()
    t.equal(await found[0], '192.0.2.1:1')
    await t.rejects(found[1], { code: 'aborted' })
    t.same(await Promise.all(found.slice(2)), ['192.0.2.1:3', '192.0.2.1:4'])
    t.same(asked, ['slow', 'quick'])
  })

  t.test('lead where they led before while a name server is silent, but not when it says something else', async (t) => {
    const [silent, answer] = gate()
    answers.set('quick', silent)
    const [known, unknown] = [addressOf('quick'), addressOf('other')]
    t.equal(await known, '192.0.2.1:3478')
    await t.rejects(unknown, { code: 'no-answer', message: 'no address of other within 2 s' })
    answer()
    await t.rejects(addressOf('nobody'), { code: 'no-such-host' })
  })
})

/** A promise, and what resolves it. */
function gate(): [Promise<void>, () => void] {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return [opened, () => open()]
}
