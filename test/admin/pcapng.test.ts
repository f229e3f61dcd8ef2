// Capture files byte by byte, and what Wireshark makes of packets that are cut, of each family, and of odd lengths.
import t from 'tap'
import { udpHeaders, upperPduTags } from '../../src/admin/packet-headers.js'
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  LINK_TYPE_RAW,
  LINK_TYPE_UPPER_PDU,
  sectionHeader,
} from '../../src/admin/pcapng.js'
import { peerOrSkip } from '../support/peers.js'
import { type DissectedPacket, dissect, fileFacts } from '../support/tshark.js'
import { addressOf } from '../support/turn-address.js'

const TIME_MS = 1_795_806_461_566.125
const RAW = { linkType: LINK_TYPE_RAW, name: 'wire', description: 'as it was', snapLength: 2176 }
const PDU = { linkType: LINK_TYPE_UPPER_PDU, name: 'frames', description: 'as they are', snapLength: 2176 }
const BINDING = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')
const CHANNEL_DATA = Buffer.from('4000000568656c6c6f', 'hex')
const IPV4 = ['192.0.2.7:5000', '198.51.100.1:50000'].map(addressOf)
const IPV6 = ['[2001:db8::7]:5000', '[2001:db8:0:1::1]:50000'].map(addressOf)
const skip = peerOrSkip('tshark')

/** The blocks of a file as `[type, length]`, each checked to end as it begins. */
function blocksOf(file: Buffer): [type: number, length: number][] {
  const blocks: [number, number][] = []
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4)
    if (length % 4 !== 0 || file.readUInt32LE(at + length - 4) !== length) throw new Error(`a broken block at ${at}`)
    blocks.push([file.readUInt32LE(at), length])
    at += length
  }
  return blocks
}

function packetOf(parts: readonly Uint8Array[], interfaceId = 0, originalLength?: number) {
  const length = originalLength ?? parts.reduce((sum, part) => sum + part.length, 0)
  const about = { isInbound: true, comment: 'client 192.0.2.7:5000' }
  return enhancedPacket({ ...about, interfaceId, timeMs: TIME_MS, parts, originalLength: length })
}

t.test('a capture file', async (t) => {
  t.test('is of blocks that end as they begin, whatever the lengths of their texts and packets', async (t) => {
    for (let length = 0; length < 5; length++) {
      const text = 'x'.repeat(length)
      const counts = { interfaceId: 0, startTimeMs: TIME_MS, endTimeMs: TIME_MS, receivedCount: 3, droppedCount: 2 }
      const file = Buffer.concat([
        sectionHeader(text),
        interfaceDescription({ ...RAW, name: text, description: text }),
        packetOf([Buffer.from(text), Buffer.from(text)]),
        interfaceStatistics(counts),
      ])
      t.same(
        blocksOf(file).map(([type]) => type),
        [0x0a0d0d0a, 1, 6, 5],
      )
    }
  })

  t.test('has times in microseconds, in two words', async (t) => {
    const packet = Buffer.from(packetOf([BINDING]))
    t.equal(packet.readUInt32LE(12) * 2 ** 32 + packet.readUInt32LE(16), TIME_MS * 1000)
  })

  t.test('says who has written it, and what was lost', { skip }, async (t) => {
    const counts = { interfaceId: 0, startTimeMs: TIME_MS, endTimeMs: TIME_MS, receivedCount: 3, droppedCount: 2 }
    const blocks = [sectionHeader('turnd 1.2.3'), interfaceDescription(RAW), packetOf([BINDING])]
    const facts = fileFacts(Buffer.concat([...blocks, interfaceStatistics(counts)]))
    t.match(facts, /Capture application: turnd 1\.2\.3/)
    t.match(facts, /Number of stat entries = 1/)
  })
})

function wireOf(
  from: (typeof IPV4)[0],
  to: (typeof IPV4)[0],
  payload: Buffer,
  length = payload.length,
): DissectedPacket {
  const header = udpHeaders(from, to, payload, length)
  const packet = packetOf([header, payload], 0, header.length + length)
  return dissect(Buffer.concat([sectionHeader('test'), interfaceDescription(RAW), packet]))[0]
}

t.test('headers of IP and UDP', { skip }, async (t) => {
  for (const [family, [from, to]] of Object.entries({ ip: IPV4, ipv6: IPV6 })) {
    for (const length of [0, 1, 2, 19]) {
      const packet = wireOf(from, to, Buffer.alloc(length, 0xfe))
      t.match(packet, { udpChecksum: '1', udpPorts: '5000,50000', malformed: '' }, `${family}, ${length} bytes`)
      t.match(packet.protocols, new RegExp(`^raw:${family}:udp`))
      t.equal(packet.ipChecksum, family === 'ip' ? '1' : '')
    }
  }

  t.test('have no checksum where only the beginning is there', async (t) => {
    t.match(wireOf(IPV4[0], IPV4[1], Buffer.alloc(10), 20), { udpChecksum: '3', length: '48', capturedLength: '38' })
  })

  t.test('have the other form of a checksum that is 0 (RFC 768)', async (t) => {
    // The sum of this payload and all that goes before it is 0xffff.
    const zero = udpHeaders(IPV4[0], IPV4[1], Buffer.alloc(2), 2)
    const sum = Buffer.from(zero.subarray(-2))
    t.same(Buffer.from(udpHeaders(IPV4[0], IPV4[1], sum, 2).subarray(-2)), Buffer.from([0xff, 0xff]))
  })
})

t.test('frames by the name of their dissector', { skip }, async (t) => {
  for (const [from, to] of [IPV4, IPV6]) {
    for (const [dissector, isTcp] of [
      ['stun-udp', false],
      ['stun-tcp', true],
    ] as const) {
      const tags = upperPduTags(from, to, dissector, isTcp)
      const cut = packetOf([tags, CHANNEL_DATA.subarray(0, 6)], 0, tags.length + CHANNEL_DATA.length)
      const blocks = [sectionHeader('test'), interfaceDescription(PDU), packetOf([tags, BINDING])]
      const packets = dissect(Buffer.concat([...blocks, packetOf([tags, CHANNEL_DATA]), cut]))
      t.match(packets, [
        { protocols: 'exported_pdu:stun', info: 'Binding Request', malformed: '', pduPorts: '5000' },
        { protocols: /^exported_pdu:stun/, info: 'ChannelData TURN Message', malformed: '' },
        { malformed: '' },
      ])
    }
  }
})
