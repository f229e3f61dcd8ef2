import t from 'tap'
import {
  CHANNEL_DATA_HEADER_LENGTH,
  isChannelNumber,
  readChannelDataLength,
  readChannelNumber,
  writeChannelDataHeader,
} from '../../src/stun/channel-data.js'
import { CHANNEL_NUMBER_MAX_RFC5766 } from '../../src/stun/constants.js'

t.test('ChannelData header', async (t) => {
  t.test('holds channel number and length in network order (RFC 8656 §12.4)', async (t) => {
    const bytes = new Uint8Array(8).fill(0xee)
    writeChannelDataHeader(bytes, 2, 0x4abc, 0xfedc)
    t.same([...bytes], [0xee, 0xee, 0x4a, 0xbc, 0xfe, 0xdc, 0xee, 0xee])
    t.equal(CHANNEL_DATA_HEADER_LENGTH, 4)
  })

  t.test('is read back for every channel number and every length', async (t) => {
    const bytes = new Uint8Array(7)
    const wrong: number[] = []
    for (let value = 0; value <= 0xffff; value++) {
      writeChannelDataHeader(bytes, 3, value, 0xffff - value)
      if (readChannelNumber(bytes, 3) !== value || readChannelDataLength(bytes, 3) !== 0xffff - value) wrong.push(value)
    }
    t.same(wrong, [])
  })
})

t.test('channel numbers', async (t) => {
  t.test('are 0x4000 to 0x4FFF (RFC 8656 §12)', async (t) => {
    t.equal(isChannelNumber(0x3fff), false)
    t.equal(isChannelNumber(0x4000), true)
    t.equal(isChannelNumber(0x4fff), true)
    t.equal(isChannelNumber(0x5000), false)
  })

  t.test('are 0x4000 to 0x7FFE for older clients (RFC 5766 §11)', async (t) => {
    t.equal(isChannelNumber(0x3fff, CHANNEL_NUMBER_MAX_RFC5766), false)
    t.equal(isChannelNumber(0x4000, CHANNEL_NUMBER_MAX_RFC5766), true)
    t.equal(isChannelNumber(0x7ffe, CHANNEL_NUMBER_MAX_RFC5766), true)
    t.equal(isChannelNumber(0x7fff, CHANNEL_NUMBER_MAX_RFC5766), false)
  })
})
