import fc from 'fast-check'
import t from 'tap'
import {
  FRAMING_BAD_LENGTH,
  FRAMING_CHANNEL_DATA_FIRST,
  FRAMING_NEED_MORE,
  FRAMING_NOT_A_FRAME,
  FRAMING_TOO_LONG,
  FrameAssembler,
  frameLength,
} from '../../src/stun/framing.js'
import { bytesOfHex, SAMPLE_REQUEST } from '../support/vectors.js'

const LENGTH_MAX = 65535

/** A STUN message whose attributes are `bodyLength` zero bytes. */
function stunFrame(bodyLength: number): Uint8Array {
  const frame = new Uint8Array(20 + bodyLength)
  frame.set(bytesOfHex('0001 0000 2112a442'))
  frame[2] = bodyLength >> 8
  frame[3] = bodyLength
  return frame
}

/** A ChannelData frame with its padding. */
function channelDataFrame(dataLength: number, channelNumber = 0x4001): Uint8Array {
  const frame = new Uint8Array(4 + Math.ceil(dataLength / 4) * 4)
  frame.set([channelNumber >> 8, channelNumber & 255, dataLength >> 8, dataLength & 255])
  for (let index = 0; index < dataLength; index++) frame[4 + index] = index + dataLength
  return frame
}

function lengthOf(bytes: Uint8Array, { lengthMax = LENGTH_MAX, isFirst = false } = {}): number {
  return frameLength(bytes, 0, bytes.length, lengthMax, isFirst)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

interface Received {
  frames: string[]
  result: number
}

function pushAll(chunks: readonly Uint8Array[], lengthMax = LENGTH_MAX): Received {
  const assembler = new FrameAssembler(lengthMax)
  const frames: string[] = []
  let result = 0
  for (const chunk of chunks) {
    result = assembler.push(chunk, (bytes, start, end) => {
      frames.push(Buffer.from(bytes.subarray(start, end)).toString('hex'))
    })
  }
  return { frames, result }
}

function hexOf(bytes: Uint8Array, end = bytes.length): string {
  return Buffer.from(bytes.subarray(0, end)).toString('hex')
}

t.test('frameLength', async (t) => {
  t.test('is the length of a STUN message, known once its cookie is here (RFC 8489 §6.2.2)', async (t) => {
    t.equal(lengthOf(stunFrame(0)), 20)
    t.equal(lengthOf(stunFrame(96)), 116)
    for (let length = 0; length < 8; length++) t.equal(lengthOf(stunFrame(96).slice(0, length)), FRAMING_NEED_MORE)
    t.equal(lengthOf(stunFrame(96).slice(0, 8)), 116)
  })

  t.test('is the length of ChannelData with its padding (RFC 8656 §12.5)', async (t) => {
    for (const [dataLength, length] of [
      [0, 4],
      [1, 8],
      [3, 8],
      [4, 8],
      [5, 12],
      [1400, 1404],
    ] as const) {
      t.equal(lengthOf(channelDataFrame(dataLength)), length)
    }
    for (let length = 0; length < 4; length++)
      t.equal(lengthOf(channelDataFrame(9).slice(0, length)), FRAMING_NEED_MORE)
    t.equal(lengthOf(channelDataFrame(9).slice(0, 4)), 16)
  })

  t.test('takes 0x3FFF for a STUN type and 0x4000 to 0x7FFF for channels, refuses 0x8000 (RFC 7983 §7)', async (t) => {
    const bytes = stunFrame(0)
    const withType = (type: number) => {
      bytes[0] = type >> 8
      bytes[1] = type
      return lengthOf(bytes)
    }
    t.equal(withType(0x3fff), 20)
    t.equal(withType(0x4000), 4)
    t.equal(withType(0x4fff), 4)
    t.equal(withType(0x5000), 4, 'the core drops it: the stream goes on')
    t.equal(withType(0x7fff), 4)
    t.equal(withType(0x8000), FRAMING_NOT_A_FRAME)
    t.equal(withType(0xffff), FRAMING_NOT_A_FRAME)
  })

  t.test('refuses a first byte of 0x80 before anything else is here', async (t) => {
    t.equal(lengthOf(Uint8Array.of(0x80)), FRAMING_NOT_A_FRAME)
    t.equal(lengthOf(Uint8Array.of(0x16, 0x03, 0x01, 0x00)), FRAMING_NEED_MORE, 'TLS is told by its missing cookie')
    t.equal(lengthOf(bytesOfHex('16030100 00fc0303')), FRAMING_NOT_A_FRAME)
  })

  t.test('refuses a message without the magic cookie', async (t) => {
    const bytes = stunFrame(0)
    bytes[7] ^= 1
    t.equal(lengthOf(bytes), FRAMING_NOT_A_FRAME)
  })

  t.test('refuses a STUN length that is not a multiple of 4 as soon as it is here (RFC 8489 §5)', async (t) => {
    for (const [length, expected] of [
      [8, 28],
      [9, FRAMING_BAD_LENGTH],
      [10, FRAMING_BAD_LENGTH],
      [11, FRAMING_BAD_LENGTH],
    ]) {
      const bytes = stunFrame(0)
      bytes[3] = length
      t.equal(lengthOf(bytes), expected)
      if (expected < 0) t.equal(lengthOf(bytes.slice(0, 4)), expected)
    }
  })

  t.test('refuses what is longer than the maximum, padding not counted, accepts the maximum', async (t) => {
    t.equal(lengthOf(stunFrame(2028), { lengthMax: 2048 }), 2048)
    t.equal(lengthOf(stunFrame(2032), { lengthMax: 2048 }), FRAMING_TOO_LONG)
    t.equal(lengthOf(channelDataFrame(2044), { lengthMax: 2048 }), 2048)
    t.equal(lengthOf(channelDataFrame(2045), { lengthMax: 2048 }), FRAMING_TOO_LONG)
    t.equal(lengthOf(channelDataFrame(2041), { lengthMax: 2045 }), 2048)
    t.equal(lengthOf(channelDataFrame(65531)), 65536)
    t.equal(lengthOf(channelDataFrame(65532)), FRAMING_TOO_LONG)
    t.equal(lengthOf(bytesOfHex('0001 fffc 2112a442')), FRAMING_TOO_LONG)
  })

  t.test('refuses ChannelData as the first frame of a connection, at its first byte', async (t) => {
    t.equal(lengthOf(channelDataFrame(4), { isFirst: true }), FRAMING_CHANNEL_DATA_FIRST)
    t.equal(lengthOf(Uint8Array.of(0x40), { isFirst: true }), FRAMING_CHANNEL_DATA_FIRST)
    t.equal(lengthOf(stunFrame(0), { isFirst: true }), 20)
  })

  t.test('reads between start and end alone', async (t) => {
    const bytes = concat([Uint8Array.of(0xff, 0xff, 0xff), SAMPLE_REQUEST.bytes])
    t.equal(frameLength(bytes, 3, bytes.length, LENGTH_MAX, true), SAMPLE_REQUEST.bytes.length)
    t.equal(frameLength(bytes, 3, 10, LENGTH_MAX, true), FRAMING_NEED_MORE)
    t.equal(frameLength(bytes, 3, 3, LENGTH_MAX, true), FRAMING_NEED_MORE)
  })
})

t.test('FrameAssembler', async (t) => {
  const frames = [stunFrame(0), channelDataFrame(0), channelDataFrame(5), stunFrame(48), channelDataFrame(1200)]
  const expected = [
    stunFrame(0),
    channelDataFrame(0),
    channelDataFrame(5).slice(0, 9),
    stunFrame(48),
    channelDataFrame(1200),
  ].map((frame) => hexOf(frame))

  t.test('hands on every frame of one chunk, without ChannelData’s padding', async (t) => {
    t.same(pushAll([concat(frames)]), { frames: expected, result: 0 })
  })

  t.test('hands on the same frames one byte at a time', async (t) => {
    const chunks = [...concat(frames)].map((byte) => Uint8Array.of(byte))
    t.same(pushAll(chunks), { frames: expected, result: 0 })
  })

  t.test('hands on the same frames whatever the chunks are', async (t) => {
    const arbitraryFrame = fc.oneof(
      fc.integer({ min: 0, max: 30 }).map((words) => stunFrame(words * 4)),
      fc.integer({ min: 0, max: 70 }).map((length) => channelDataFrame(length)),
      fc.constantFrom(stunFrame(4000), channelDataFrame(4999)),
    )
    fc.assert(
      fc.property(
        fc.array(arbitraryFrame, { maxLength: 12 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3000 })), { minLength: 1 }),
        (list, cuts) => {
          const stream = concat([stunFrame(0), ...list])
          const chunks: Uint8Array[] = []
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const next = Math.min(at + cuts[turn % cuts.length], stream.length)
            chunks.push(stream.slice(at, next))
            at = next
          }
          const whole = pushAll([stream])
          const cut = pushAll(chunks)
          return whole.frames.length === list.length + 1 && JSON.stringify(cut) === JSON.stringify(whole)
        },
      ),
      { numRuns: 500 },
    )
    t.pass()
  })

  t.test('does not copy a frame that is whole in its chunk, and copies one that is not', async (t) => {
    const assembler = new FrameAssembler(LENGTH_MAX)
    const chunk = concat([stunFrame(8), stunFrame(8)]).subarray(0, 50)
    const places: [boolean, number, number][] = []
    const onFrame = (bytes: Uint8Array, start: number, end: number) => {
      places.push([bytes === chunk, start, end])
    }
    assembler.push(chunk, onFrame)
    assembler.push(stunFrame(8).slice(50 - 28), onFrame)
    t.same(places, [
      [true, 0, 28],
      [false, 0, 28],
    ])
  })

  t.test('hands on frames of 4 bytes wherever the chunks begin', async (t) => {
    const stream = concat([stunFrame(0), channelDataFrame(0), channelDataFrame(0), channelDataFrame(0)])
    for (let at = 0; at <= stream.length; at++) {
      t.equal(pushAll([stream.slice(0, at), stream.slice(at)]).frames.length, 4, `cut at ${at}`)
    }
  })

  t.test('does not keep the buffer that a long frame needed', async (t) => {
    const assembler = new FrameAssembler(LENGTH_MAX)
    const lengths: number[] = []
    const stream = concat([stunFrame(60_000), stunFrame(0)])
    for (const chunk of [stream.slice(0, 9), stream.slice(9, 60_025), stream.slice(60_025)]) {
      assembler.push(chunk, (bytes) => {
        lengths.push(bytes.length)
      })
    }
    t.equal(lengths[0], 60_020)
    t.ok(lengths[1] <= 4096)
  })

  t.test('gives an assembled frame away: the next one has other memory', async (t) => {
    const assembler = new FrameAssembler(LENGTH_MAX)
    const kept: Uint8Array[] = []
    const frames = [stunFrame(8), channelDataFrame(40, 0x4002), channelDataFrame(40, 0x4003)]
    for (const byte of concat(frames)) {
      assembler.push(Uint8Array.of(byte), (bytes, start, end) => {
        kept.push(bytes.subarray(start, end))
      })
    }
    t.same(
      kept.map((bytes) => hexOf(bytes)),
      frames.map((bytes) => hexOf(bytes)),
    )
  })

  t.test('waits for ChannelData’s padding before the next frame', async (t) => {
    const [first, second] = [stunFrame(0), channelDataFrame(1)]
    t.same(pushAll([concat([first, second.slice(0, 7)])]).frames.length, 1)
    t.same(pushAll([concat([first, second.slice(0, 7)]), second.slice(7)]).frames.length, 2)
  })

  t.test('hands on the frames before a malformed one, and nothing after it', async (t) => {
    const bad = stunFrame(4)
    bad[3] = 5
    const stream = concat([stunFrame(0), bad, stunFrame(0)])
    t.same(pushAll([stream]), { frames: [hexOf(stunFrame(0))], result: FRAMING_BAD_LENGTH })
    t.same(pushAll([...stream].map((byte) => Uint8Array.of(byte))), pushAll([stream]))
  })

  t.test('keeps refusing after a malformed frame', async (t) => {
    t.same(pushAll([Uint8Array.of(0x80), stunFrame(0)]), { frames: [], result: FRAMING_NOT_A_FRAME })
  })

  t.test(
    'never takes the inside of a refused frame for a request (length 0xFFFC with an embedded Binding)',
    async (t) => {
      const outer = stunFrame(0)
      outer[2] = 0xff
      outer[3] = 0xfc
      t.same(pushAll([outer, stunFrame(0), stunFrame(0)]), { frames: [], result: FRAMING_TOO_LONG })
    },
  )

  t.test('refuses ChannelData first, whole or byte by byte, and accepts it second', async (t) => {
    t.equal(pushAll([channelDataFrame(4)]).result, FRAMING_CHANNEL_DATA_FIRST)
    t.equal(pushAll([Uint8Array.of(0x4f)]).result, FRAMING_CHANNEL_DATA_FIRST)
    t.equal(pushAll([stunFrame(0), channelDataFrame(4)]).frames.length, 2)
  })

  t.test('takes a larger maximum from the frame handler, for the next frame on', async (t) => {
    const stream = concat([stunFrame(0), stunFrame(4000)])
    t.same(pushAll([stream], 2048).result, FRAMING_TOO_LONG)
    const assembler = new FrameAssembler(2048)
    let frameCount = 0
    const result = assembler.push(stream, () => {
      assembler.frameLengthMax = LENGTH_MAX
      frameCount++
    })
    t.same([result, frameCount], [0, 2])
  })

  t.test('stops where the handler says, and gives back the raw bytes that follow (RFC 6062 §4.5)', async (t) => {
    for (const firstPart of [0, 10]) {
      const assembler = new FrameAssembler(2048)
      let frameCount = 0
      const onFrame = () => {
        frameCount++
        assembler.stop()
      }
      const stream = concat([stunFrame(0), Uint8Array.of(0xff, 0xfe, 0xfd)])
      assembler.push(stream.slice(0, firstPart), onFrame)
      t.equal(assembler.push(stream.slice(firstPart), onFrame), 0)
      t.equal(frameCount, 1)
      t.same(assembler.takeRest(), Uint8Array.of(0xff, 0xfe, 0xfd))
      t.equal(assembler.takeRest().length, 0)
    }
  })

  t.test('random bytes never throw, and give the same result in one chunk and byte by byte', async (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const stream = concat([stunFrame(0), bytes])
        const whole = pushAll([stream], 150)
        const cut = pushAll(
          [...stream].map((byte) => Uint8Array.of(byte)),
          150,
        )
        return JSON.stringify(whole) === JSON.stringify(cut)
      }),
      { numRuns: 1000 },
    )
    t.pass()
  })
})
