import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import type { CoreClient } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'

const DATA = Buffer.from('some data')
const CHANNEL = 0x4000

function relaying(): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness({ supportsDontFragment: true })
  const client = harness.client()
  client.allocate((writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT))
  client.channelBind(CHANNEL, PEER)
  harness.output.take()
  return { harness, client }
}

t.test('DONT-FRAGMENT where the engine can set the DF bit', async (t) => {
  t.test('in a Send indication reaches the engine (RFC 8656 §11.2)', async (t) => {
    const { harness, client } = relaying()
    t.equal(
      client.sendIndication(PEER, DATA, (writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)),
      0,
    )
    t.equal(client.sendIndication(PEER, DATA), 0)
    t.same(
      harness.output.of('to-peer').map(({ dontFragment }) => dontFragment),
      [true, undefined],
    )
  })

  t.test('is never asked for by ChannelData (RFC 8656 §12.6)', async (t) => {
    const { harness, client } = relaying()
    client.sendIndication(PEER, DATA, (writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT))
    t.equal(client.channelData(CHANNEL, DATA), 0)
    t.equal(harness.output.of('to-peer').at(-1)?.dontFragment, undefined)
  })
})
