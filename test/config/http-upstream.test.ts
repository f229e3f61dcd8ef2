import t from 'tap'
import { parseHttpUpstream } from '../../src/config/http-upstream.js'
import { messageOf, refusal } from './refusals.js'

t.test('--http-upstream', async (t) => {
  t.test('takes the origin of a web server', async (t) => {
    const rows: [string, string][] = [
      ['http://10.0.0.9', 'http://10.0.0.9'],
      ['http://10.0.0.9/', 'http://10.0.0.9'],
      ['http://10.0.0.9:80', 'http://10.0.0.9'],
      ['http://10.0.0.9:8080', 'http://10.0.0.9:8080'],
      ['https://webbridge.example.org:443', 'https://webbridge.example.org'],
      ['HTTPS://WebBridge.Example.ORG:8443', 'https://webbridge.example.org:8443'],
      ['http://[2001:db8::1]:8080', 'http://[2001:db8::1]:8080'],
    ]
    for (const [text, origin] of rows) t.equal(parseHttpUpstream(text), origin, text)
  })

  t.test('says what is wrong with anything else', async (t) => {
    const form = 'is not http[s]://HOST[:PORT]: '
    const origin = `${form}give the origin of a web server such as https://webbridge.example.org:443`
    const path = `${form}leave out the path, requests keep their own`
    const credentials = `${form}it must not hold credentials`
    const rows: [string, string][] = [
      ['', origin],
      ['10.0.0.9:8080', origin],
      ['webbridge.example.org', origin],
      ['http:10.0.0.9', origin],
      ['ftp://10.0.0.9', origin],
      ['ws://10.0.0.9', origin],
      ['http://', origin],
      ['http://10.0.0.9:65536', origin],
      ['http://10.0.0.9/app', path],
      ['http://10.0.0.9/?a=b', path],
      ['http://10.0.0.9/#a', path],
      ['http://bob:hunter2@10.0.0.9', credentials],
      ['http://bob@10.0.0.9', credentials],
    ]
    for (const [text, message] of rows)
      t.equal(
        messageOf(() => parseHttpUpstream(text)),
        message,
        text,
      )
  })

  t.test('shows no password that somebody put into it', async (t) => {
    const { message } = refusal({ argv: ['--http-upstream', 'http://bob:hunter2@10.0.0.9:8080'] })
    t.notMatch(message, /hunter2/)
    t.equal(message, '--http-upstream http://10.0.0.9:8080 is not http[s]://HOST[:PORT]: it must not hold credentials')
  })
})
