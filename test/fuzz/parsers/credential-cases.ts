// Names and keys: the users file, OpaqueString, TURN REST names, certificates in PEM, HTTP headers.
import type { IncomingHttpHeaders } from 'node:http'
import {
  certificateBlocks,
  isCutOff,
  isEncryptedKey,
  privateKeyBlock,
  whatElse,
} from '../../../src/auth/certificate-pem.js'
import { opaqueString } from '../../../src/auth/opaque-string.js'
import { parseRestName } from '../../../src/auth/rest-name.js'
import { RestSecrets } from '../../../src/auth/rest-secrets.js'
import {
  makeAdminLine,
  makeUsersFileLine,
  parseUsersFile,
  serialiseUsersFile,
  UsersFileError,
} from '../../../src/auth/users-file.js'
import { lineOf } from '../../../src/auth/users-file-line.js'
import { forwardRequestHeaders, hasBody, originForm } from '../../../src/net/stream/http-headers.js'
import { formatHost, hostAddress } from '../../../src/stun/address.js'
import { parseCidr } from '../../../src/stun/cidr.js'
import { type BytesCase, ensure, parsedOrRefused, type TextCase } from './parser-case.js'

const REALM = 'example.org'
const NOW = 1_800_000_000
const KEY = '0123456789abcdef0123456789abcdef'
const USERS = [
  makeUsersFileLine('alice', REALM, 'correct horse').text,
  `bob:${REALM}:${KEY}`,
  '# a comment',
  `{"user":"マトリックス","realm":"${REALM}","md5":"${KEY}"}`,
  lineOf({ ...makeUsersFileLine('dora', REALM, 'correct horse').entry, disabled: true }).text,
  makeAdminLine('root', `$scrypt$ln=15,r=8,p=3$${'A'.repeat(22)}$${'A'.repeat(43)}`).text,
]
const PEM = [
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  '-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n',
  '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----\n',
]
const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-authorization', 'expect']
/** What Node takes for the name of a header (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const HEADS = [
  '/path?q=1\nhost: a.example\nconnection: keep-alive, x-own\nx-own: 1\nx-forwarded-for: 1.2.3.4',
  'http://b.example:8080/x\nhost: a.example\nupgrade: websocket\nconnection: Upgrade\nforwarded: for=1.2.3.4',
  '*\nhost: [::1]:443\ncontent-length: 5\ntransfer-encoding: chunked\nx_forwarded_for: 6.6.6.6\nproxy: x',
]

export function credentialCases(): TextCase[] {
  return [OPAQUE_STRING, REST_NAME, USERS_LINE, PEM_TEXT, ADDRESS, HTTP_HEAD]
}

export function credentialBytesCases(): BytesCase[] {
  return [
    {
      name: 'the users file',
      samples: [USERS, USERS.slice(0, 2), [...USERS, ...USERS]].map((lines) => Buffer.from(`${lines.join('\n')}\n`)),
      check: (bytes) => {
        const parsed = parsedOrRefused(() => parseUsersFile(bytes), UsersFileError)
        if (parsed === null) return false
        const again = parseUsersFile(Buffer.from(serialiseUsersFile(parsed.value)))
        ensure(JSON.stringify(again) === JSON.stringify(parsed.value), 'written again it says something else')
        for (const { entry } of parsed.value) {
          if (entry === null) continue
          const [{ entry: anew }] = parseUsersFile(Buffer.from(lineOf(entry).text))
          ensure(JSON.stringify(anew) === JSON.stringify(entry), 'as it is changed it says something else')
        }
        return true
      },
    },
  ]
}

const OPAQUE_STRING: TextCase = {
  name: 'an OpaqueString',
  samples: ['alice', 'マトリックス', 'TheMatrIX', 'e\u0301 x', 'ל׳', 'l·l', 'क्‍ष', 'ابت‌ث'],
  check: (text) => {
    const prepared = parsedOrRefused(() => opaqueString(text), RangeError)
    if (prepared === null) return false
    ensure(opaqueString(prepared.value) === prepared.value, 'prepared again it is another one')
    ensure(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(prepared.value), 'it has control characters')
    return true
  },
}

const REST_NAME: TextCase = {
  name: 'a TURN REST name',
  samples: [`${NOW + 600}:alice`, `${NOW - 1}`, `${NOW}`, '000:x', `${NOW}::`, '999999999999999:y'],
  check: (text) => {
    const found = new RestSecrets(REALM, ['north', 'south'], () => NOW).find(text)
    if (typeof found === 'string') return false
    ensure(found.username === text, 'the keys of another name')
    const isExpired = (parseRestName(text, ':')?.expirySeconds ?? 0) < NOW
    ensure(isExpired === (found.refusedAs === 'expired-credential'), 'an expired name is good, or another one is not')
    return true
  },
}

const USERS_LINE: TextCase = {
  name: 'turnd user add',
  samples: [`alice\n${REALM}\ncorrect horse`, 'マトリックス\nrealm\nTheMatrIX', 'a:b\n{}\n"'],
  check: (text) => {
    const [user, realm = REALM, password = 'x'] = text.split('\n')
    const made = parsedOrRefused(() => makeUsersFileLine(user, realm, password), RangeError)
    if (made === null) return false
    const [line] = parseUsersFile(Buffer.from(serialiseUsersFile([made.value])))
    ensure(line.entry?.user === made.value.entry?.user && line.entry?.realm === made.value.entry?.realm, 'another user')
    ensure(
      line.entry?.role === 'turn' && Buffer.compare(line.entry.md5Key, made.value.entry.md5Key) === 0,
      'another key',
    )
    return true
  },
}

const PEM_TEXT: TextCase = {
  name: 'a file in PEM',
  samples: [...PEM, PEM.join('')],
  check: (text) => {
    const blocks = certificateBlocks(text)
    for (const block of blocks) ensure(text.includes(block), 'a block that is not in the file')
    const key = privateKeyBlock(text)
    if (key !== null) isEncryptedKey(key)
    ensure(typeof isCutOff(text) === 'boolean' && whatElse(Buffer.from(text), text) !== '', 'nothing is said of it')
    return blocks.length > 0 || key !== null
  },
}

const ADDRESS: TextCase = {
  name: 'an address or a block',
  samples: [
    '192.0.2.1',
    '2001:db8::1',
    '::ffff:1.2.3.4',
    '::',
    '1:2:3:4:5:6:7:8',
    '10.0.0.0/8',
    '2001:db8::/32',
    '::1.2.3.4/96',
  ],
  check: (text) => {
    const address = hostAddress(text)
    if (address !== null) {
      const again = hostAddress(formatHost(address))
      ensure(again?.equals(address) === true, `${formatHost(address)} is another address`)
    }
    const cidr = parseCidr(text)
    if (cidr === null) return address !== null
    const again = parseCidr(`${formatHost(cidr.address)}/${cidr.prefixLength}`)
    ensure(again?.address.equals(cidr.address) === true && again.prefixLength === cidr.prefixLength, 'another block')
    return true
  },
}

/** Headers as Node has parsed them, with the target before them. */
const HTTP_HEAD: TextCase = {
  name: 'a head of HTTP for the upstream',
  samples: HEADS,
  check: (text) => {
    const [target, ...lines] = text.split('\n')
    const headers: IncomingHttpHeaders = {}
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(':')).toLowerCase()
      if (TOKEN.test(name)) headers[name] = line.slice(name.length + 1).trim()
    }
    const origin = originForm(target, headers)
    ensure(origin === null || origin.startsWith('/'), `a target that is no path: ${origin}`)
    hasBody(headers)
    forwardRequestHeaders(headers, { host: '192.0.2.9', isSecure: true })
    ensure(headers['x-forwarded-for'] === '192.0.2.9', 'the client tells its own address')
    for (const name of HOP_BY_HOP) ensure(!Object.hasOwn(headers, name), `${name} goes on to the upstream`)
    const told = Object.keys(headers).filter((name) =>
      /^(x[-_]real[-_]ip|forwarded|proxy|x_forwarded(_.*)?)$/.test(name),
    )
    ensure(told.length === 0, `${told} goes on to the upstream`)
    return origin !== null
  },
}
