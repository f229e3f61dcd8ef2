import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadCertificate } from '../../src/auth/certificate-file.js'
import type { TurndError } from '../../src/config/errors.js'
import { makeAuthority, makePair, openssl, temporaryDirectory } from '../support/certificate.js'

const directory = temporaryDirectory()
const path = (name: string) => join(directory, name)
const read = (name: string) => readFileSync(path(name), 'utf8')
const write = (name: string, content: string | Uint8Array) => writeFileSync(path(name), content)
const load = (cert: string, key: string) => loadCertificate(path(cert), path(key))

function problem(cert: string, key: string): string {
  try {
    load(cert, key)
  } catch (error) {
    t.equal((error as TurndError).code, 'TURND_ERR_CERTIFICATE')
    return (error as Error).message.replaceAll(`${directory}/`, '')
  }
  return ''
}

const pair = await makePair('turn.example.org', '*.example.org', '192.0.2.1', '2001:db8::1')
write('a.pem', pair.certificate)
write('a.key', pair.key)
makeAuthority(directory)

t.test('a pair that turnd cert made', async (t) => {
  const { facts, material } = load('a.pem', 'a.key')
  t.same(material, { cert: pair.certificate, key: pair.key })
  t.match(facts, {
    path: path('a.pem'),
    subject: 'CN=turn.example.org',
    issuer: 'CN=turn.example.org',
    names: ['turn.example.org', '*.example.org', '192.0.2.1', '2001:db8::1'],
    isSelfSigned: true,
    isChainInOrder: true,
    isChainCut: false,
  })
  t.equal(facts.validTo, pair.validTo.getTime())
  t.equal(facts.validTo - facts.validFrom, 10 * 86_400_000 - 1000)
  const fingerprint = openssl(directory, 'x509 -in a.pem -noout -fingerprint -sha256')
  t.equal(facts.fingerprint256, fingerprint.trim().split('=')[1])
})

t.test('other forms of the same', async (t) => {
  t.test('one file for both, with the key first', async (t) => {
    write('both', `${pair.key}${pair.certificate}`)
    t.same(load('both', 'both').material, { cert: pair.certificate, key: pair.key })
  })
  t.test('line breaks of Windows, a byte order mark, text around', async (t) => {
    write('windows.pem', `\ufeffSubject: x\r\n${pair.certificate.replaceAll('\n', '\r\n')}the end`)
    write('windows.key', pair.key.replaceAll('\n', '\r\n'))
    t.equal(load('windows.pem', 'windows.key').facts.fingerprint256, load('a.pem', 'a.key').facts.fingerprint256)
  })
  t.test('keys in the older forms of OpenSSL, after the parameters of their curve', async (t) => {
    openssl(directory, 'ec -in a.key -out ec.key')
    write('parameters.key', `${openssl(directory, 'ecparam -name prime256v1')}${read('ec.key')}`)
    t.match(read('parameters.key'), /BEGIN EC PARAMETERS/)
    t.match(load('a.pem', 'parameters.key').material.key, /^-----BEGIN EC PRIVATE KEY/)
  })
  t.test('RSA and Ed25519, and no subject at all', async (t) => {
    openssl(directory, 'req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj / -days 3')
    t.match(load('rsa.pem', 'rsa.key').facts, { subject: '', names: [] })
    openssl(directory, 'req -x509 -newkey ed25519 -nodes -keyout ed.key -out ed.pem -subj /C=NO/CN=e -days 3')
    t.equal(load('ed.pem', 'ed.key').facts.subject, 'C=NO, CN=e')
  })
  t.test('an expired one is a pair all the same', async (t) => {
    openssl(directory, 'x509 -in a.pem -signkey a.key -days 0 -out expired.pem')
    t.ok(load('expired.pem', 'a.key').facts.validTo < Date.now() + 1000)
  })
})

t.test('a chain', async (t) => {
  t.test('leaf first', async (t) => {
    write('chain.pem', `${read('leaf.pem')}${read('ca.pem')}`)
    const { facts, material } = load('chain.pem', 'leaf.key')
    t.match(facts, { subject: 'CN=leaf', issuer: 'CN=authority', isSelfSigned: false, isChainInOrder: true })
    t.equal(material.cert.match(/BEGIN CERTIFICATE/g)?.length, 2)
  })
  t.test('with a stranger behind the leaf is not in order', async (t) => {
    write('strange.pem', `${read('leaf.pem')}${pair.certificate}`)
    t.equal(load('strange.pem', 'leaf.key').facts.isChainInOrder, false)
  })
  t.test('is cut when the authority says where its own is, and it is not here', async (t) => {
    t.equal(load('leaf.pem', 'leaf.key').facts.isChainCut, false, 'a private authority')
    const other = temporaryDirectory()
    makeAuthority(other, 'sha256', 'authorityInfoAccess = caIssuers;URI:http://authority.example/ca.der')
    t.equal(loadCertificate(join(other, 'leaf.pem'), join(other, 'leaf.key')).facts.isChainCut, true)
    const text = (name: string) => readFileSync(join(other, name), 'utf8')
    writeFileSync(join(other, 'chain.pem'), `${text('leaf.pem')}${text('ca.pem')}`)
    t.equal(loadCertificate(join(other, 'chain.pem'), join(other, 'leaf.key')).facts.isChainCut, false)
  })
})

t.test('one sentence says what is wrong', async (t) => {
  const GIVE_CERT = 'give a file that has the certificate chain in PEM, beginning with -----BEGIN CERTIFICATE-----'
  const GIVE_KEY = 'give a file that has the private key in PEM, beginning with -----BEGIN PRIVATE KEY-----'
  const GIVE_PATH = 'give the path of a PEM file, such as one that turnd cert --name NAME makes'

  t.test('with a file', async (t) => {
    const missing = `cannot be read: no such file or directory: ${GIVE_PATH}`
    t.equal(problem('none.pem', 'a.key'), `--cert none.pem ${missing}`)
    t.equal(problem('a.pem', 'none.key'), `--key none.key ${missing}`)
    mkdirSync(path('directory'))
    t.equal(problem('directory', 'a.key'), `--cert directory cannot be read: it is a directory: ${GIVE_PATH}`)
    execFileSync('mkfifo', [path('pipe')])
    t.equal(problem('a.pem', 'pipe'), `--key pipe cannot be read: it is not a file: ${GIVE_PATH}`)
    write('large', '')
    truncateSync(path('large'), 1024 * 1024)
    t.match(problem('large', 'a.key'), /^--cert large is not PEM/)
    truncateSync(path('large'), 1024 * 1024 + 1)
    t.equal(problem('large', 'a.key'), `--cert large cannot be read: it is larger than 1048576 bytes: ${GIVE_PATH}`)
  })

  t.test('with a file that the account may not read', { skip: process.getuid?.() === 0 && 'root may' }, async (t) => {
    write('secret.key', pair.key)
    chmodSync(path('secret.key'), 0)
    const remedy = 'let the account that runs turnd read it'
    t.equal(problem('a.pem', 'secret.key'), `--key secret.key cannot be read: permission denied: ${remedy}`)
  })

  t.test('with what is in a file', async (t) => {
    write('empty', '\n')
    t.equal(problem('empty', 'a.key'), `--cert empty is empty: ${GIVE_CERT}`)
    t.equal(problem('a.pem', 'empty'), `--key empty is empty: ${GIVE_KEY}`)
    write('text', 'hello')
    t.equal(problem('text', 'a.key'), `--cert text is not PEM: ${GIVE_CERT}`)
    openssl(directory, 'x509 -in a.pem -outform der -out a.der')
    t.equal(problem('a.der', 'a.key'), `--cert a.der is binary (DER or PKCS #12), not PEM: ${GIVE_CERT}`)
    t.equal(problem('a.key', 'a.pem'), `--cert a.key holds only a private key: ${GIVE_CERT}`)
    t.equal(problem('a.pem', 'a.pem'), `--key a.pem holds only certificates: ${GIVE_KEY}`)
    write('a.csr', pair.request)
    const unsigned = 'holds a certificate request, which an authority has yet to sign'
    t.equal(problem('a.csr', 'a.key'), `--cert a.csr ${unsigned}: ${GIVE_CERT}`)
    openssl(directory, 'pkey -in a.key -pubout -out a.pub')
    t.equal(problem('a.pem', 'a.pub'), `--key a.pub holds a block of another kind (PUBLIC KEY): ${GIVE_KEY}`)
  })

  t.test('with a file that was written in part, or changed', async (t) => {
    write('cut.pem', pair.certificate.slice(0, 300))
    t.equal(problem('cut.pem', 'a.key'), `--cert cut.pem is cut off: ${GIVE_CERT}`)
    write('cut-chain.pem', `${read('leaf.pem')}${read('ca.pem').slice(0, 300)}`)
    t.equal(problem('cut-chain.pem', 'leaf.key'), `--cert cut-chain.pem is cut off: ${GIVE_CERT}`)
    write('cut.key', pair.key.slice(0, 100))
    t.equal(problem('a.pem', 'cut.key'), `--key cut.key is cut off: ${GIVE_KEY}`)
    const damaged = (text: string) => text.replace('MI', 'MX')
    write('damaged.pem', `${read('leaf.pem')}${damaged(read('ca.pem'))}`)
    t.match(
      problem('damaged.pem', 'leaf.key'),
      /^--cert damaged\.pem: certificate 2 of the file is damaged \(.+\): write the file again$/,
    )
    write('damaged.key', damaged(pair.key))
    t.match(problem('a.pem', 'damaged.key'), /^--key damaged\.key is damaged \(.+\): write the file again$/)
  })

  t.test('with an encrypted key, old and new', async (t) => {
    openssl(directory, 'pkey -in a.key -aes256 -passout pass:x -out new.key')
    openssl(directory, 'ec -in a.key -aes256 -passout pass:x -out old.key')
    t.match(read('new.key'), /BEGIN ENCRYPTED/)
    t.match(read('old.key'), /Proc-Type/)
    for (const key of ['new.key', 'old.key']) {
      t.equal(
        problem('a.pem', key),
        `--key ${key} is encrypted, and turnd asks for no passphrase: write it to another file without one, with openssl pkey -in ${key} -out FILE`,
      )
    }
  })

  t.test('with a pair that is none, or is in the wrong order', async (t) => {
    t.equal(
      problem('a.pem', 'leaf.key'),
      '--key leaf.key is not the key of --cert a.pem (CN=turn.example.org): give the two files that were made together',
    )
    write('wrong.pem', `${read('ca.pem')}${read('leaf.pem')}`)
    t.equal(
      problem('wrong.pem', 'leaf.key'),
      '--cert wrong.pem is out of order: its certificate 2 is the one of --key leaf.key, and must be the first of the file',
    )
  })

  t.test('with what OpenSSL would refuse at the first handshake', async (t) => {
    const remedy = 'make a new one, such as with turnd cert --name NAME'
    openssl(directory, 'req -x509 -newkey rsa:512 -nodes -keyout weak.key -out weak.pem -subj /CN=w -days 3')
    t.equal(problem('weak.pem', 'weak.key'), `--cert weak.pem cannot be used for TLS (ee key too small): ${remedy}`)
    const other = temporaryDirectory()
    makeAuthority(other, 'sha1')
    write('sha1.pem', readFileSync(join(other, 'leaf.pem')))
    write('sha1.key', readFileSync(join(other, 'leaf.key')))
    t.equal(problem('sha1.pem', 'sha1.key'), `--cert sha1.pem cannot be used for TLS (ca md too weak): ${remedy}`)
  })

  t.test('and never what the key is', async (t) => {
    const secret = pair.key.split('\n')[1]
    write('secret.pem', pair.key.replace('-----END PRIVATE KEY-----', ''))
    for (const key of ['damaged.key', 'cut.key', 'secret.pem']) t.notMatch(problem('a.pem', key), secret.slice(10, 40))
  })
})
