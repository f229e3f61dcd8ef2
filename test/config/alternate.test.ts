import t from 'tap'
import { alternateWarning, parseAlternate } from '../../src/config/alternate.js'
import { messageOf, parse, refusal } from './refusals.js'

t.test('--alternate', async (t) => {
  t.test('takes a host, and a scheme, a port and a weight if they are given', async (t) => {
    for (const [text, scheme, host, isName, port, weight] of [
      ['turn2.example.org', 'any', 'turn2.example.org', true, 0, 1],
      ['Turn2:3479', 'any', 'turn2', true, 3479, 1],
      ['192.0.2.2*3', 'any', '192.0.2.2', false, 0, 3],
      ['tls:192.0.2.2:443*1000', 'tls', '192.0.2.2', false, 443, 1000],
      ['DTLS:turn2.example.org', 'dtls', 'turn2.example.org', true, 0, 1],
      ['[2001:DB8:0::2]', 'any', '2001:db8::2', false, 0, 1],
      ['udp:[2001:db8::2]:1*2', 'udp', '2001:db8::2', false, 1, 2],
    ] as const) {
      t.same(parseAlternate(text), { scheme, host, isName, port, weight, text })
    }
  })

  t.test('says what is wrong with anything else', async (t) => {
    for (const [text, reason] of [
      ['', 'the host is missing, give the address or the name of a server'],
      [':3478', 'the host is missing, give the address or the name of a server'],
      ['2001:db8::2', 'an IPv6 address needs brackets, such as [2001:db8::2]:3478'],
      ['http://turn2', '//turn2 is not a port, give a number from 1 to 65535'],
      ['[192.0.2.2]', 'brackets are for IPv6 addresses'],
      ['0.0.0.0', '0.0.0.0 is a wildcard, give the address of one host'],
      ['[ff02::1]', 'ff02::1 is a multicast address, give the address of one host'],
      ['192.0.2.256', '192.0.2.256 is not an IPv4 address'],
      ['turn_2', 'turn_2 is neither an IP address nor a DNS name'],
      ['turn2:', 'the port is missing, give a number from 1 to 65535'],
      ['turn2:0', '0 is not a port, give a number from 1 to 65535'],
      ['turn2:65536', '65536 is not a port, give a number from 1 to 65535'],
      ['turn2*', 'the weight is missing, give a number from 1 to 1000'],
      ['turn2*0', '0 is not a weight, give a number from 1 to 1000'],
      ['turn2:80*1.5', '1.5 is not a weight, give a number from 1 to 1000'],
    ] as const) {
      t.equal(
        messageOf(() => parseAlternate(text)),
        `is not [udp:|tcp:|tls:|dtls:]HOST[:PORT][*WEIGHT]: ${reason}`,
        text,
      )
    }
  })

  t.test('warns of an address that leads clients to their own machine', async (t) => {
    t.match(alternateWarning(parseAlternate('127.0.0.2')), /^leads clients to their own machine/)
    t.equal(alternateWarning(parseAlternate('192.0.2.2')), null)
    t.equal(alternateWarning(parseAlternate('localhost')), null)
  })

  t.test('has to fit the others', async (t) => {
    const twice = ['--alternate', 'turn2:80', '--alternate', 'TURN2:80*3']
    t.match(refusal({ argv: twice }), {
      message: '--alternate TURN2:80*3 is given twice: keep one of them, with *WEIGHT',
    })
    const many = Array.from({ length: 33 }, (_, index) => ['--alternate', `turn${index}`]).flat()
    t.match(refusal({ argv: many }), { message: '--alternate is given 33 times: give 32 at most' })
    t.same(parse({ argv: ['--alternate-above', '50'] }).warnings, [
      '--alternate-above 50 has no effect: there is no other server, such as --alternate HOST',
    ])
    t.same(parse({ argv: ['--alternate-above', '50', '--alternate', 'turn2'] }).warnings, [])
  })
})
