// The profiles of an Expressway over real sockets: what Wireshark makes of their answers, and real clients that log in: one server goes from
// profile to profile by reloads.
import t, { type Test } from 'tap'
import { udpHeaders } from '../../src/admin/packet-headers.js'
import { enhancedPacket, interfaceDescription, LINK_TYPE_RAW, sectionHeader } from '../../src/admin/pcapng.js'
import type { Profile } from '../../src/config/settings.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CHANNEL_NUMBER_MAX_RFC5766,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
} from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import { HOST, ReloadStage, rowOf } from '../server/reload-stage.js'
import { openPage } from '../support/browser.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type DissectedPacket, dissect } from '../support/tshark.js'
import { runUclient, UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { addressOf } from '../support/udp-peer.js'

const REALM = 'turnuser'
const USER = { username: UCLIENT_USER, password: UCLIENT_PASSWORD } as const
const WRONG = { ...USER, password: 'wrong' } as const
/** As long as USER's name. */
const NOBODY = { username: 'turnusex', password: 'wrong' } as const
const GATHER_MILLISECONDS_MAX = 60_000
const isLong = process.env.TURND_TEST_LONG === '1'
/** What each profile answers: a wrong password, a Binding without credentials. */
const PROFILES: readonly (readonly [profile: Profile, wrongPassword: number, binding: number])[] = [
  ['rfc', 401, 0],
  ['expressway-x8.9', 431, 0],
  ['expressway-x12.6', 431, 401],
]

t.test('profiles, one after the other, without a restart', async (t) => {
  const stage = await ReloadStage.start(t, MAIN_ENGINE, { realm: REALM, user: `${USER.username}:${USER.password}` })
  const answers: { readonly bytes: Uint8Array; readonly nonce: string }[] = []
  for (const [profile, wrongPassword, binding] of PROFILES) {
    t.test(profile, async (t) => {
      if (profile !== 'rfc') t.match(rowOf(await stage.change({ profile }), '--profile'), { effect: 'live' })

      t.test(`a wrong password gets ${wrongPassword}, a Binding ${binding}`, async (t) => {
        const client = await stage.connect(t, 'udp', stage.port('udp'), WRONG)
        const wrong = await client.refresh()
        t.equal(wrong.code, wrongPassword)
        if (wrongPassword === 431) answers.push({ bytes: wrong.bytes, nonce: client.challenge.nonce })
        t.equal((await client.refresh({}, NOBODY)).bytes.length, wrong.bytes.length, 'an unknown user no other')
        t.equal((await client.binding()).code, binding)
        t.equal((await client.request(METHOD_BINDING, () => {}, USER)).code, 0, 'with credentials it is answered')
        t.equal((await client.allocate({}, USER)).code, 0)
        const highest = await client.request(METHOD_CHANNEL_BIND, describeHighestChannel, USER)
        t.equal(highest.code, profile === 'rfc' ? 400 : 0, 'channels of RFC 5766')
      })

      // coturn-client.test.ts and chromium.test.ts have a part of it in the short run.
      const skip = !isLong && 'npm run test:long has it'
      t.test('the coturn client logs in', { skip: skip || peerOrSkip('turnutils_uclient') }, async (t) => {
        const flags = ['-y', '-c', '-s', '-n', '5', '-m', '2', '-l', '100', '-z', '5']
        const report = await runUclient({ host: HOST, port: stage.port('udp'), password: USER.password, flags })
        t.match(report, { exitCode: 0, sent: 10, received: 10, lost: 0 }, 'it succeeded', { output: report.output })
      })

      t.test('Chromium logs in, and says a wrong password', { skip: skip || peerOrSkip('chromium') }, (t) =>
        chromiumLogsIn(t, stage, wrongPassword),
      )
    })
  }

  t.test('Wireshark reads the 431 of each, and what it repeats', { skip: peerOrSkip('tshark') }, async (t) => {
    const packets = dissected(answers.map(({ bytes }) => bytes))
    t.match(
      packets,
      answers.map(({ nonce }) => ({
        ...{ malformed: '', stunError: '31', stunReason: 'Integrity Check Failure' },
        ...{ stunUsername: USER.username, stunRealm: REALM, stunNonce: nonce },
      })),
    )
    t.equal(packets.length, 2)
  })
})

function describeHighestChannel(writer: MessageWriter): void {
  writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, CHANNEL_NUMBER_MAX_RFC5766 << 16)
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, addressOf(HOST, 9))
}

async function chromiumLogsIn(t: Test, stage: ReloadStage, wrongPassword: number): Promise<void> {
  const page = await openPage(t, 'relay-call.html')
  const gather = async (password: string) => {
    const uri = `turn:${HOST}:${stage.port('udp')}?transport=udp`
    const server = { uri, username: USER.username, password }
    return (await page.call('gather', { server }, GATHER_MILLISECONDS_MAX)) as {
      errors: { errorCode: number; url: string }[]
      candidates: string[]
    }
  }
  const right = await gather(USER.password)
  t.ok(right.candidates.length > 0, 'it has a relay')
  const wrong = await gather(WRONG.password)
  t.same(wrong.candidates, [])
  // It asks the same address for a Binding as well, as stun:, and has an error of its own for a refusal of that.
  const codes = wrong.errors.filter(({ url }) => url.startsWith('turn:')).map(({ errorCode }) => errorCode)
  t.ok(codes.length > 0)
  t.ok(codes.every((code) => code === wrongPassword))
}

/** What Wireshark makes of datagrams from a TURN server. */
function dissected(datagrams: readonly Uint8Array[]): DissectedPacket[] {
  const raw = { linkType: LINK_TYPE_RAW, name: 'wire', description: 'as it was', snapLength: 2176 }
  const about = { interfaceId: 0, timeMs: Date.now(), isInbound: false, comment: '' }
  const packets = datagrams.map((bytes) => {
    const header = udpHeaders(addressOf('192.0.2.1', 3478), addressOf('192.0.2.7', 50_000), bytes, bytes.length)
    return enhancedPacket({ ...about, parts: [header, bytes], originalLength: header.length + bytes.length })
  })
  return dissect(Buffer.concat([sectionHeader('test'), interfaceDescription(raw), ...packets]))
}
