import { mkdirSync, renameSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { CertificateMaterial } from '../../src/auth/certificate-file.js'
import { CertificateFiles } from '../../src/auth/certificate-files.js'
import type { MadeCertificate } from '../../src/commands/make-certificate.js'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory } from '../support/certificate.js'

const first = await makePair('first.example.org')
const second = await makePair('second.example.org')

const write = (directory: string, { certificate, key }: MadeCertificate) => {
  writeFileSync(join(directory, 'x.pem'), certificate)
  writeFileSync(join(directory, 'x.key'), key)
}

/** Puts the file in its place as editors and tools do: written beside, then renamed. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

function open(t: Test, directory: string) {
  write(directory, first)
  return watch(t, directory)
}

function watch(t: Test, directory: string) {
  const changes: CertificateMaterial[] = []
  const problems: string[] = []
  const certPath = join(directory, 'x.pem')
  const keyPath = join(directory, 'x.key')
  const files = new CertificateFiles(
    certPath,
    keyPath,
    (material, facts) => {
      t.equal(files.current.material, material, 'it is current when it is told')
      t.equal(files.current.facts, facts)
      changes.push(material)
    },
    (problem) => problems.push(problem.replaceAll(`${directory}/`, '')),
  )
  t.teardown(() => files.close())
  const poll = (count: number) => {
    for (let index = 0; index < count; index++) files.poll()
  }
  const currentName = () => files.current.facts.names[0]
  return { certPath, changes, currentName, files, keyPath, poll, problems }
}

t.test('the start', async (t) => {
  t.test('loads the pair and tells nobody', async (t) => {
    const { changes, files, problems } = open(t, temporaryDirectory())
    t.same(files.current.material, { cert: first.certificate, key: first.key })
    t.same(changes, [])
    t.same(problems, [])
  })
  t.test('fails with a broken pair', async (t) => {
    const directory = temporaryDirectory()
    write(directory, { ...first, key: second.key })
    t.throws(() => watch(t, directory), { code: 'TURND_ERR_CERTIFICATE', message: /is not the key of/ })
  })
})

t.test('a change is seen', async (t) => {
  t.test('when both files are replaced by rename', async (t) => {
    const { certPath, changes, currentName, keyPath, poll, problems } = open(t, temporaryDirectory())
    replace(keyPath, second.key)
    replace(certPath, second.certificate)
    poll(1)
    t.equal(changes.length, 1)
    t.same(changes, [{ cert: second.certificate, key: second.key }])
    t.equal(currentName(), 'second.example.org')
    t.same(problems, [])
  })

  t.test('when both files are written in place', async (t) => {
    const directory = temporaryDirectory()
    const { changes, currentName, poll } = open(t, directory)
    // Longer than before: the clock of a file system may stand still for some milliseconds.
    write(directory, { ...second, certificate: `# new\n${second.certificate}` })
    poll(1)
    t.equal(changes.length, 1)
    t.equal(currentName(), 'second.example.org')
  })

  t.test('when a link of each file is switched, as certbot does', async (t) => {
    const root = temporaryDirectory()
    for (const [name, pair] of [
      ['1', first],
      ['2', second],
    ] as const) {
      mkdirSync(join(root, name))
      write(join(root, name), pair)
    }
    const live = join(root, 'live')
    mkdirSync(live)
    const link = (name: string, target: string) => {
      symlinkSync(target, join(live, `${name}.new`))
      renameSync(join(live, `${name}.new`), join(live, name))
    }
    link('x.pem', '../1/x.pem')
    link('x.key', '../1/x.key')
    const { changes, currentName, poll } = watch(t, live)
    link('x.key', '../2/x.key')
    link('x.pem', '../2/x.pem')
    poll(1)
    t.equal(changes.length, 1)
    t.equal(currentName(), 'second.example.org')
  })

  t.test('when the link of a directory above is switched, as Kubernetes does', async (t) => {
    const root = temporaryDirectory()
    for (const [name, pair] of [
      ['1', first],
      ['2', second],
    ] as const) {
      mkdirSync(join(root, name))
      write(join(root, name), pair)
    }
    symlinkSync('1', join(root, '..data'))
    for (const name of ['x.pem', 'x.key']) symlinkSync(join('..data', name), join(root, name))
    const { changes, currentName, poll, problems } = watch(t, root)
    symlinkSync('2', join(root, '..new'))
    renameSync(join(root, '..new'), join(root, '..data'))
    poll(1)
    t.equal(changes.length, 1)
    t.equal(currentName(), 'second.example.org')
    t.same(problems, [])
  })

  t.test('with the time and the length of the old files', async (t) => {
    const directory = temporaryDirectory()
    const paths = ['x.pem', 'x.key'].map((name) => join(directory, name))
    const put = ({ certificate, key }: MadeCertificate) => {
      write(directory, { ...first, certificate: certificate.padEnd(2000), key: key.padEnd(2000) })
      for (const path of paths) utimesSync(path, 1, 1)
    }
    put(first)
    const { changes, poll } = watch(t, directory)
    await until(() => {
      put(second)
      poll(1)
      return changes.length > 0
    }, 'a change')
  })

  t.test('at once when asked, and told once', async (t) => {
    const directory = temporaryDirectory()
    const { changes, currentName, files, poll } = open(t, directory)
    write(directory, second)
    t.equal(files.reload(), true)
    t.equal(currentName(), 'second.example.org')
    poll(3)
    t.equal(changes.length, 1)
  })

  t.test('within seconds by itself, but not after the end', async (t) => {
    const directory = temporaryDirectory()
    const ended = open(t, directory)
    const running = watch(t, directory)
    ended.files.close()
    write(directory, { ...second, certificate: `# new\n${second.certificate}` })
    await until(() => running.changes.length > 0, 'a change')
    t.same(ended.changes, [], 'whose timer would have been the earlier one')
  })
})

t.test('the same content, written again, is no change', async (t) => {
  const { certPath, changes, files, keyPath, poll, problems } = open(t, temporaryDirectory())
  replace(certPath, first.certificate)
  replace(keyPath, first.key)
  poll(3)
  t.equal(files.reload(), true)
  t.same(changes, [])
  t.same(problems, [])
})

t.test('a pair that is replaced one after the other', async (t) => {
  for (const order of ['certificate', 'key'] as const) {
    t.test(`${order} first: the mismatch between is not reported`, async (t) => {
      const { certPath, changes, currentName, keyPath, poll, problems } = open(t, temporaryDirectory())
      const steps = [() => replace(certPath, second.certificate), () => replace(keyPath, second.key)]
      if (order === 'key') steps.reverse()
      steps[0]()
      poll(1)
      steps[1]()
      poll(1)
      t.equal(changes.length, 1)
      t.equal(currentName(), 'second.example.org')
      t.same(problems, [])
    })
  }
})

t.test('what is broken keeps the old pair', async (t) => {
  t.test('a mismatch that lasts is reported once', async (t) => {
    const { certPath, changes, currentName, poll, problems } = open(t, temporaryDirectory())
    replace(certPath, second.certificate)
    poll(1)
    t.same(problems, [], 'not at the first look')
    poll(1)
    t.equal(problems.length, 1)
    poll(4)
    t.same(problems, [
      '--key x.key is not the key of --cert x.pem (CN=second.example.org): give the two files that were made together; ' +
        'the certificate loaded before stays',
    ])
    t.same(changes, [])
    t.equal(currentName(), 'first.example.org')
  })

  t.test('a broken file is reported once for each time that it is written', async (t) => {
    const { certPath, currentName, poll, problems } = open(t, temporaryDirectory())
    writeFileSync(certPath, 'broken')
    poll(1)
    t.same(problems, [], 'not at the first look')
    poll(1)
    t.equal(problems.length, 1)
    poll(4)
    t.equal(problems.length, 1)
    t.match(problems[0], /^--cert x\.pem is not PEM: .*; the certificate loaded before stays$/)
    writeFileSync(certPath, 'broken again')
    poll(1)
    t.equal(problems.length, 1)
    poll(1)
    t.equal(problems.length, 2)
    poll(4)
    t.equal(problems.length, 2)
    t.equal(currentName(), 'first.example.org')
  })

  t.test('a deleted file is reported once, and is welcome when it returns', async (t) => {
    const { certPath, changes, currentName, keyPath, poll, problems } = open(t, temporaryDirectory())
    unlinkSync(keyPath)
    poll(1)
    t.same(problems, [], 'not at the first look')
    poll(1)
    t.equal(problems.length, 1)
    poll(4)
    t.match(problems, [/^--key x\.key cannot be read: no such file or directory/])
    t.equal(problems.length, 1)
    t.equal(currentName(), 'first.example.org')
    replace(certPath, second.certificate)
    replace(keyPath, second.key)
    poll(1)
    t.equal(changes.length, 1)
    t.equal(currentName(), 'second.example.org')
    t.equal(problems.length, 1)
  })

  t.test('reload says so each time, and at once', async (t) => {
    const { certPath, currentName, files, poll, problems } = open(t, temporaryDirectory())
    writeFileSync(certPath, 'broken')
    t.equal(files.reload(), false)
    t.equal(problems.length, 1)
    poll(4)
    t.equal(problems.length, 1, 'what was reported is not found again')
    t.equal(files.reload(), false)
    t.equal(problems.length, 2)
    t.equal(currentName(), 'first.example.org')
  })
})
