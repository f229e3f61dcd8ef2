import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { loadCertificate } from '../../src/auth/certificate-file.js'
import { certificateWarnings } from '../../src/auth/certificate-warnings.js'
import { runCertCommand } from '../../src/commands/cert.js'
import { openssl } from '../support/certificate.js'

const NOW = Date.now()

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const code = await runCertCommand(argv, { stdout, stderr, now: () => NOW })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const refusal = (message: string) => ({ code: 2, stdout: '', stderr: `turnd cert: ${message}\n` })

for (const keyType of ['ec', 'rsa']) {
  t.test(`with a key of type ${keyType}`, async (t) => {
    const out = t.testdir({})
    const names = ['turn.example.org', '*.example.org', '127.0.0.1', '::1']
    const nameArguments = names.flatMap((name) => ['--name', name])
    const { code, stderr, stdout } = await run(...nameArguments, '--key-type', keyType, '--out', out)
    const base = join(out, 'turn.example.org')

    t.test('says what it wrote and what to do with it', async (t) => {
      t.same({ code, stderr }, { code: 0, stderr: '' })
      t.same(readdirSync(out).sort(), ['turn.example.org.csr', 'turn.example.org.key', 'turn.example.org.pem'])
      for (const ending of ['csr', 'key', 'pem']) t.match(stdout, `wrote ${base}.${ending}: `)
      t.match(stdout, `a certificate for ${names.join(', ')}, valid for 825 days (until 20`)
      t.match(stdout, `Start turnd with --cert ${base}.pem --key ${base}.key\n`)
      t.match(stdout, /an authority sends back for\s+the request/)
    })

    t.test('keeps the key, and only the key, from others', async (t) => {
      t.equal(statSync(`${base}.key`).mode & 0o777, 0o600)
      t.equal(statSync(`${base}.pem`).mode & 0o777, 0o644)
      t.equal(statSync(`${base}.csr`).mode & 0o777, 0o644)
      for (const ending of ['pem', 'csr']) t.notMatch(readFileSync(`${base}.${ending}`, 'utf8'), /PRIVATE/)
      t.notMatch(stdout, /PRIVATE/)
    })

    t.test('makes a certificate that openssl reads and accepts', async (t) => {
      const text = openssl(out, 'x509 -text -noout -in turn.example.org.pem')
      t.match(text, /Version: 3/)
      t.match(text, 'Subject: CN = turn.example.org')
      t.match(text, /Basic Constraints: critical\s+CA:FALSE/)
      t.match(text, /Extended Key Usage: *\s+TLS Web Server Authentication\n/)
      t.match(
        text,
        /Subject Alternative Name: *\s+DNS:turn\.example\.org, DNS:\*\.example\.org, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1\n/,
      )
      t.match(text, keyType === 'ec' ? 'NIST CURVE: P-256' : 'Public-Key: (2048 bit)')
      t.match(text, keyType === 'ec' ? 'ecdsa-with-SHA256' : 'sha256WithRSAEncryption')
      const verify = 'verify -x509_strict -purpose sslserver -CAfile turn.example.org.pem'
      for (const check of ['-verify_hostname turn.example.org', '-verify_hostname a.example.org', '-verify_ip ::1']) {
        t.match(openssl(out, `${verify} ${check} turn.example.org.pem`), /OK/, check)
      }
      t.throws(() => openssl(out, `${verify} -verify_hostname example.org turn.example.org.pem`))
    })

    t.test('makes a request that is signed, with the same names and the same key', async (t) => {
      openssl(out, 'req -verify -noout -in turn.example.org.csr')
      const text = openssl(out, 'req -text -noout -in turn.example.org.csr')
      t.match(
        text,
        /DNS:turn\.example\.org, DNS:\*\.example\.org, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1\n/,
      )
      const publicKey = openssl(out, 'pkey -pubout -in turn.example.org.key')
      t.equal(openssl(out, 'req -pubkey -noout -in turn.example.org.csr'), publicKey)
      t.equal(openssl(out, 'x509 -pubkey -noout -in turn.example.org.pem'), publicKey)
    })

    t.test('makes a pair that turnd takes without a warning', async (t) => {
      const { facts } = loadCertificate(`${base}.pem`, `${base}.key`)
      t.same(certificateWarnings(facts, ['turn.example.org', 'a.example.org'], NOW), [])
      t.equal(facts.validTo - facts.validFrom, 825 * 86_400_000 - 1000, 'both ends belong to it')
      t.ok(facts.validFrom <= NOW - 3_600_000 && facts.validFrom > NOW - 3_602_000, 'an hour for slow clocks')
    })

    t.test('serves clients that trust it, by name and by address', async (t) => {
      const cert = readFileSync(`${base}.pem`)
      const port = await serve(t, cert, readFileSync(`${base}.key`))
      for (const servername of ['turn.example.org', 'a.example.org']) {
        t.equal(await get({ port, host: '127.0.0.1', servername, ca: cert }), 'hello', servername)
      }
      t.equal(await get({ port, host: '127.0.0.1', ca: cert }), 'hello', 'by address')
      await t.rejects(get({ port, host: '127.0.0.1', servername: 'other.example.com', ca: cert }), {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
      await t.rejects(get({ port, host: '127.0.0.1', servername: 'turn.example.org' }), {
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      })
    })
  })
}

async function serve(t: Test, cert: Buffer, key: Buffer): Promise<number> {
  const server = createServer({ cert, key }, (_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

function get(options: { port: number; host: string; servername?: string; ca?: Buffer }): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ ...options, agent: false }, (response) => {
      response.setEncoding('utf8').once('data', resolve)
    })
      .once('error', reject)
      .end()
  })
}

t.test('files that are there', async (t) => {
  for (const ending of ['key', 'pem', 'csr']) {
    t.test(`a .${ending} is not touched, and nothing is written beside it`, async (t) => {
      const out = t.testdir({ [`a.net.${ending}`]: 'mine' })
      const path = join(out, `a.net.${ending}`)
      t.same(await run('--name', 'a.net', '--out', out), {
        code: 1,
        stdout: '',
        stderr: `turnd cert: ${path} is there already; --force replaces it\n`,
      })
      t.equal(readFileSync(path, 'utf8'), 'mine')
      t.same(readdirSync(out), [`a.net.${ending}`])
    })
  }
  t.test('--force replaces all three with a new pair', async (t) => {
    const out = t.testdir({})
    await run('--name', 'a.net', '--out', out)
    const before = readFileSync(join(out, 'a.net.key'), 'utf8')
    t.equal((await run('--name', 'a.net', '--out', out, '--force')).code, 0)
    t.not(readFileSync(join(out, 'a.net.key'), 'utf8'), before)
    t.equal(statSync(join(out, 'a.net.key')).mode & 0o777, 0o600)
    t.ok(loadCertificate(join(out, 'a.net.pem'), join(out, 'a.net.key')))
    t.equal(readdirSync(out).length, 3)
  })
  t.test('what cannot be written is a sentence', async (t) => {
    const out = t.testdir({ 'a.net.pem': {} })
    t.match(await run('--name', 'a.net', '--out', out, '--force'), {
      code: 2,
      stderr: /a\.net\.pem cannot be written: /,
    })
    t.same(
      await run('--name', 'a.net', '--out', join(out, 'none')),
      refusal(`--out ${out}/none: no such file or directory`),
    )
    writeFileSync(join(out, 'file'), '')
    t.same(
      await run('--name', 'a.net', '--out', join(out, 'file')),
      refusal(`--out ${out}/file: it is not a directory`),
    )
  })
})

t.test('names', async (t) => {
  const namesOf = async (...names: string[]) => {
    const out = t.testdir({})
    mkdirSync(join(out, 'x'))
    const outcome = await run(...names.flatMap((name) => ['--name', name]), '--out', join(out, 'x'), '--days', '1')
    t.equal(outcome.code, 0, outcome.stderr)
    const base = join(out, 'x', readdirSync(join(out, 'x'))[0].replace(/\.csr$/, ''))
    return { base, ...loadCertificate(`${base}.pem`, `${base}.key`).facts }
  }
  t.test('are written in one way, once', async (t) => {
    const { names } = await namesOf('Turn.Example.org', 'turn.example.org', '2001:DB8:0::1', 'localhost')
    t.same(names, ['turn.example.org', '2001:db8::1', 'localhost'])
  })
  t.test('make names of files that no shell minds', async (t) => {
    t.match((await namesOf('*.example.org')).base, /\/_wildcard\.example\.org$/)
    t.match((await namesOf('2001:db8::1')).base, /\/2001-db8--1$/)
  })
  t.test('longer than a commonName may be are names all the same (64 characters)', async (t) => {
    const nameOf = (length: number) => `${'a'.repeat(length - 12)}.example.org`
    t.same(await namesOf(nameOf(64)).then(({ subject }) => subject), `CN=${nameOf(64)}`)
    t.match(await namesOf(nameOf(65), 'b.net'), { subject: 'CN=b.net', names: [nameOf(65), 'b.net'] })
    t.match(await namesOf(nameOf(65)), { subject: 'CN=turnd', names: [nameOf(65)] })
  })

  const example = 'is not a DNS name: give one such as turn.example.org'
  const star = 'is not a wildcard that clients accept: the star is the whole first label, as in *.example.org'
  const bare = 'is not a DNS name: give it without a scheme, a port or a path'
  const refused: [name: string, message: string][] = [
    ['a_b.example.org', `a_b.example.org ${example}`],
    ['a b', `"a b" ${example}`],
    ['a..b', `a..b ${example}`],
    [`${'a'.repeat(64)}.org`, `${'a'.repeat(64)}.org ${example}`],
    ['a/../../b', `a/../../b ${bare}`],
    ['turns:turn.example.org', `turns:turn.example.org ${bare}`],
    ['turn.example.org:5349', `turn.example.org:5349 ${bare}`],
    ['example.org.', 'example.org. is not a DNS name: give it without the dot at its end'],
    ['bücher.example', '"bücher.example" has letters outside of ASCII: write xn--bcher-kva.example'],
    ['*', `* ${star}`],
    ['*.org', `*.org ${star}`],
    ['a.*.org', `a.*.org ${star}`],
    ['t*.example.org', `t*.example.org ${star}`],
    ['*.a_b.org', `*.a_b.org ${example}`],
    ['192.0.2', '192.0.2 is not an IP address: 192.0.2 is not an IPv4 address'],
    ['0.0.0.0', '0.0.0.0 is a wildcard: give the address of one host'],
    ['224.0.0.1', '224.0.0.1 is a multicast address: give the address of one host'],
    ['fe80::1%eth0', 'fe80::1%eth0 is not an IP address: fe80::1%eth0 has a zone, which is not supported'],
    [
      '::ffff:192.0.2.1',
      '::ffff:192.0.2.1 is not an IP address: ::ffff:192.0.2.1 is an IPv4 address in IPv6 form, write 192.0.2.1',
    ],
  ]
  for (const [name, message] of refused) {
    t.test(`such as ${name} are refused`, async (t) => t.same(await run('--name', name), refusal(`--name ${message}`)))
  }
})

t.test('arguments that are wrong', async (t) => {
  const name = ['--name', 'a.net']
  const cases: [argv: string[], message: string][] = [
    [[], '--name is missing: give the name by which clients reach the server'],
    [['--name'], '--name needs a value'],
    [['--name', '--force'], '--name needs a value: --name VALUE, or --name=VALUE if it begins with a dash'],
    [['a.net'], 'unexpected argument "a.net": names are given as --name NAME'],
    [[...name, '--names', 'b'], 'unknown option --names'],
    [[...name, '--force=yes'], '--force takes no value, but has "yes"'],
    [[...name, '--days', '0'], '--days 0 is not a whole number from 1 to 3650'],
    [[...name, '--days', '3651'], '--days 3651 is not a whole number from 1 to 3650'],
    [[...name, '--days', '1.5'], '--days 1.5 is not a whole number from 1 to 3650'],
    [[...name, '--days', '1', '--days', '2'], '--days is given more than once: give it once'],
    [[...name, '--key-type', 'dsa'], '--key-type dsa is neither ec nor rsa'],
    [Array.from({ length: 101 }, (_, index) => `--name=a${index}.net`), 'more than 100 names are given'],
  ]
  for (const [argv, message] of cases) t.same(await run(...argv), refusal(message), message)
})

t.test('the longest and the shortest time, and as many names as may be', async (t) => {
  for (const days of [1, 3650]) {
    const out = t.testdir({})
    const argv = Array.from({ length: 100 }, (_, index) => `--name=a${index}.net`)
    t.match(await run(...argv, '--days', String(days), '--out', out), { code: 0, stderr: '' })
    const { validFrom, validTo } = loadCertificate(join(out, 'a0.net.pem'), join(out, 'a0.net.key')).facts
    t.equal(validTo - validFrom, days * 86_400_000 - 1000)
  }
})
