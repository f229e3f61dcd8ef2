import t from 'tap'
import { MOBILITY_TICKET_LENGTH, MobilityTickets, TICKET_TURN_COUNT } from '../../src/auth/mobility-tickets.js'

const SECRET = new Uint8Array(32).fill(1)
const TICKET = { worker: 3, isOfStreams: true, allocation: 0xffff_ffff_fffe, turn: TICKET_TURN_COUNT - 1 }

const read = (tickets: MobilityTickets, text: string, username = 'alice') => tickets.read(Buffer.from(text), username)

t.test('mobility tickets (RFC 8016 §3.3, §6)', async (t) => {
  const tickets = new MobilityTickets(SECRET)

  t.test('come back as they were written, by whoever has the secret', async (t) => {
    const text = tickets.write(TICKET, 'alice')
    t.equal(text.length, MOBILITY_TICKET_LENGTH)
    t.same(read(new MobilityTickets(SECRET), text), { ...TICKET, isTheirs: true })
    t.equal(tickets.write(TICKET, 'alice'), text, 'the same one again')
  })

  t.test('know another user from the one that they were written for', async (t) => {
    const text = tickets.write(TICKET, 'alice')
    for (const name of ['bob', 'Alice', '', 'alice ']) t.match(read(tickets, text, name), { isTheirs: false }, name)
  })

  t.test('say nothing to anybody else: no two have anything in common', async (t) => {
    const texts = Array.from({ length: 200 }, (_, turn) => tickets.write({ ...TICKET, turn }, 'alice'))
    t.equal(new Set(texts).size, texts.length)
    const common = (one: string, other: string) => [...one].filter((letter, index) => letter === other[index]).length
    for (const [index, text] of texts.entries()) if (index > 0) t.ok(common(text, texts[index - 1]) < 10)
  })

  t.test('of another secret, or changed in any bit, are none', async (t) => {
    const text = tickets.write(TICKET, 'alice')
    t.equal(read(new MobilityTickets(SECRET.map((byte) => byte + 1)), text), null)
    const bytes = Buffer.from(text, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoiled = Buffer.from(bytes)
      spoiled[bit >> 3] ^= 1 << (bit & 7)
      t.equal(read(tickets, spoiled.toString('base64url')), null)
    }
    for (const length of [0, 1, 31, 33, 64, 763]) t.equal(read(tickets, 'A'.repeat(length)), null, `${length}`)
    t.equal(read(tickets, '\u00ff'.repeat(16)), null, 'bytes that are no text')
  })
})
