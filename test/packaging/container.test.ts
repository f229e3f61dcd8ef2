// The container image and the files that run it, field by field: each says what the others, the options and the server itself say. No container
// engine is needed; image-tree.test.ts carries out the Dockerfile's steps.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { PROBE_PATHS } from '../../src/admin/routes/probes.js'
import { loadSecretFile } from '../../src/auth/secret-file.js'
import { parseCommandLine } from '../../src/config/command-line.js'
import { findOption } from '../../src/config/options.js'
import type { ParsedSettings } from '../../src/config/settings.js'
import { programVersion } from '../../src/config/version.js'
import { LISTENER_BUFFER_BYTES } from '../../src/limits/engines.js'
import { runTurnd } from '../command/run-turnd.js'
import { connectUdp } from '../support/client-transport.js'
import { projectRoot } from '../support/project-root.js'
import { restCredential } from '../support/rest-credential.js'
import { startServer } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'
import { parseCopy, parseDockerfile } from './dockerfile.js'
import { readManifests } from './manifests.js'
import { emptyFolder } from './npm-package.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const UID = 3478

const stages = parseDockerfile(read('Dockerfile'))
const image = stages.at(-1)!
const textOf = (name: string) => image.instructions.filter((one) => one.name === name).map(({ text }) => text)

t.test('the Dockerfile', async (t) => {
  t.test('builds in one stage and runs in another, on the same Node.js, with a build argument for it', async (t) => {
    t.equal(stages.length, 2)
    t.match(read('Dockerfile'), /^ARG NODE_VERSION=\d+$/m)
    for (const stage of stages) t.match(stage.image, /^node:2\d-trixie-slim$/)
  })
  t.test('copies what a clean checkout has and .dockerignore lets through', async (t) => {
    const isThere = presenceInCheckout()
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    const copies = stages.flatMap(({ instructions }) => instructions).filter(({ name }) => name === 'COPY')
    for (const { from, sources } of copies.map(({ text }) => parseCopy(text))) {
      if (from !== '')
        t.ok(
          stages.some(({ name }) => name === from),
          `stage ${from}`,
        )
      for (const source of from === '' ? sources : []) {
        t.ok(isThere(source), `${source} is there`)
        t.ok(kept.includes(source), `${source} is not ignored`)
      }
    }
    t.ok(copies.length > 4)
  })
  t.test('runs as a user of its own, by number, who owns the state directory', async (t) => {
    t.same(textOf('USER'), [`${UID}:${UID}`])
    const made = textOf('RUN').join('\n')
    t.match(made, new RegExp(`groupadd --gid ${UID} turnd`))
    t.match(made, new RegExp(`useradd --uid ${UID} --gid turnd`))
    t.match(made, /install -d -o turnd -g turnd -m 0700 \/var\/lib\/turnd/)
    t.same(textOf('VOLUME'), ['/var/lib/turnd'])
    t.match(textOf('ENV').join(' '), /TURND_STATE_DIR=\/var\/lib\/turnd/)
    const lastRun = image.instructions.map(({ name }) => name).lastIndexOf('RUN')
    t.ok(lastRun < image.instructions.findIndex(({ name }) => name === 'USER'), 'nothing is made as that user')
  })
  t.test('starts node without a shell, and is stopped by the signal that drains', async (t) => {
    t.same(JSON.parse(textOf('ENTRYPOINT')[0]), ['node', '/opt/turnd/dist/turnd.js'])
    t.same(textOf('CMD'), [])
    t.same(textOf('STOPSIGNAL'), ['SIGTERM'])
  })
  t.test('names the ports that clients use, and the version', async (t) => {
    t.match(textOf('EXPOSE')[0], /^3478\/udp 3478\/tcp/)
    t.match(textOf('LABEL').join(' '), `version="${programVersion()}"`)
  })
})

t.test('the Compose file', async (t) => {
  const { services, secrets, volumes } = parse(read('packaging/docker/compose.yaml'))
  const { turnd } = services
  const settings = parseConfig(
    'docker',
    read('packaging/docker/config/turnd.json'),
    '/etc/turnd/turnd.json',
    turnd.command,
  )
  t.test('has the network of the host, no privileges and nothing to write to but the state', async (t) => {
    t.match(turnd, {
      network_mode: 'host',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    t.notOk('ports' in turnd || 'user' in turnd || 'privileged' in turnd)
    t.same(turnd.volumes[0], `${Object.keys(volumes)[0]}:/var/lib/turnd`)
    t.match(turnd.volumes[1], { source: './config', target: '/etc/turnd', read_only: true })
  })
  t.test('waits longer than draining takes, and has files for every relay of the licence', async (t) => {
    t.ok(Number.parseInt(turnd.stop_grace_period, 10) > settings.drainTimeout)
    t.ok(turnd.ulimits.nofile.soft > 4 * Number(findOption('max-allocations')?.default))
  })
  t.test('gives the secret where the configuration looks for it, and git does not take it', async (t) => {
    const [name] = turnd.secrets
    t.equal(settings.authSecretFile, `/run/secrets/${name}`)
    t.equal(read('packaging/docker/.gitignore'), `${basename(secrets[name].file)}\n`)
  })
  t.test('builds this Dockerfile and names this version', async (t) => {
    t.ok(existsSync(join(projectRoot, 'packaging/docker', turnd.build.context, 'Dockerfile')))
    t.match(read('Dockerfile'), `ARG NODE_VERSION=${turnd.build.args.NODE_VERSION}\n`)
    t.equal(turnd.image, `turnd:${programVersion()}`)
  })
})

t.test('the Kubernetes manifests', async (t) => {
  const { kustomization, files, errors, byKind, one } = readManifests()
  const spec = one('Deployment').spec!
  const pod = spec.template!.spec
  const [container] = pod.containers
  const settings = parseConfig(
    'kubernetes',
    one('ConfigMap').data!['turnd.json'],
    '/etc/turnd/turnd.json',
    container.args,
  )

  t.test('are all in the kustomization, in one namespace, of one version', async (t) => {
    t.same(errors, [])
    t.same([...files].sort(), [...kustomization.resources].sort())
    t.same([...byKind.keys()].sort(), ['ConfigMap', 'Deployment', 'Namespace', 'PodDisruptionBudget', 'Secret'])
    for (const [kind, { metadata }] of byKind) {
      if (kind !== 'Namespace') t.equal(metadata.namespace, one('Namespace').metadata.name, kind)
    }
    t.equal(container.image, `turnd:${programVersion()}`)
    t.equal(kustomization.images[0].newTag, programVersion())
  })
  t.test('select the pods that they make', async (t) => {
    const { labels } = spec.template!.metadata
    t.same(spec.selector.matchLabels, labels)
    t.same(one('PodDisruptionBudget').spec!.selector.matchLabels, labels)
    const [term] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    t.same(term.labelSelector.matchLabels, labels)
    t.equal(term.topologyKey, 'kubernetes.io/hostname')
    t.ok(one('PodDisruptionBudget').spec!.maxUnavailable! < spec.replicas!)
  })
  t.test('have the host’s network, one pod on a node, replaced one after the other', async (t) => {
    t.equal(pod.hostNetwork, true)
    t.same(spec.strategy?.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 })
    t.equal(one('Namespace').metadata.labels['pod-security.kubernetes.io/enforce'], 'privileged')
    for (const { containerPort, hostPort, protocol } of container.ports) {
      t.equal(containerPort, hostPort, 'as the host’s network demands')
      t.ok(
        settings.listen.some(
          ({ scheme, port }) => port === containerPort && ['any', protocol.toLowerCase()].includes(scheme),
        ),
        protocol,
      )
    }
  })
  t.test('are as the level `restricted` asks, and as the image is', async (t) => {
    t.match(pod.securityContext, {
      ...{ runAsNonRoot: true, runAsUser: UID, runAsGroup: UID, fsGroup: UID },
      seccompProfile: { type: 'RuntimeDefault' },
    })
    t.same(container.securityContext, {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    })
    t.equal(pod.automountServiceAccountToken, false)
  })
  t.test('ask the paths that need no login, where the server listens for them', async (t) => {
    const { startupProbe, readinessProbe, livenessProbe } = container
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      t.equal(`${httpGet.host}:${httpGet.port}`, '127.0.0.1:8445')
      t.ok(PROBE_PATHS.includes(httpGet.path), httpGet.path)
    }
    t.match(settings.adminListen, { port: 8445 })
    t.equal(readinessProbe.httpGet.path, '/readyz')
    t.equal(livenessProbe.httpGet.path, '/healthz', 'a server that drains is not killed')
    t.ok(livenessProbe.periodSeconds * livenessProbe.failureThreshold >= 30)
  })
  t.test('wait longer than draining takes', async (t) => {
    t.ok(pod.terminationGracePeriodSeconds >= settings.drainTimeout + 15)
  })
  t.test('leave the memory that the server may need, and do not slow it down', async (t) => {
    const [, text = ''] = /\*\*all of it\*\* \| \| \*\*([\d,]+) MiB/.exec(read('docs/limits.md')) ?? []
    const boundGib = Number(text.replaceAll(',', '')) / 1024
    t.ok(boundGib > 1, `${boundGib} GiB`)
    t.match(container.resources.limits.memory, /^\d+Gi$/)
    t.ok(Number.parseFloat(container.resources.limits.memory) > boundGib)
    t.notOk('cpu' in container.resources.limits)
  })
  t.test('mount what the configuration names', async (t) => {
    const mounted = (path: string) => {
      const mount = container.volumeMounts.find(({ mountPath }) => mountPath === path)
      return pod.volumes.find(({ name }) => name === mount?.name)
    }
    t.same(mounted('/var/lib/turnd'), { name: 'state', emptyDir: {} })
    const projected = mounted('/etc/turnd')!.projected!
    t.equal(projected.defaultMode, 0o440)
    const secret = projected.sources.find((source) => source.secret !== undefined)!.secret!
    t.equal(secret.name, one('Secret').metadata.name)
    const [item] = secret.items
    t.equal(settings.authSecretFile, `/etc/turnd/${item.path}`)
    t.ok(item.key in one('Secret').stringData!)
    t.equal(projected.sources[0].configMap?.name, one('ConfigMap').metadata.name)
  })
  t.test('come with a secret that no server starts with', async (t) => {
    const file = join(emptyFolder(t), 'auth-secret')
    writeFileSync(file, one('Secret').stringData!['auth-secret'])
    t.throws(() => loadSecretFile(file), /holds no secret: write one on a line/)
  })
})

t.test('what is set on the machine', async (t) => {
  const range = `${findOption('min-port')?.default}-${findOption('max-port')?.default}`
  t.test('buffers as large as the server asks for', async (t) => {
    const lines = read('packaging/sysctl/turnd.conf').matchAll(/^(net\.\S+) = (\d+)$/gm)
    const values = new Map([...lines].map(([, name, value]) => [name, Number(value)]))
    for (const name of ['net.core.rmem_max', 'net.core.wmem_max'])
      t.equal(values.get(name), LISTENER_BUFFER_BYTES, name)
  })
  t.test('a firewall that lets in what the server listens on, without keeping state of it', async (t) => {
    const rules = read('packaging/nftables/turnd.nft')
    t.match(rules, new RegExp(`udp dport \\{ 3478, 5349, ${range} \\} notrack`))
    t.match(rules, new RegExp(`udp sport \\{ 3478, 5349, ${range} \\} notrack`))
    t.match(rules, new RegExp(`udp dport \\{ 3478, 5349, ${range} \\} accept`))
  })
})

t.test('a server with the configuration of the containers', async (t) => {
  const stateDirectory = emptyFolder(t)
  const secretFile = join(emptyFolder(t), 'auth-secret')
  writeFileSync(secretFile, 's3cret\n')
  const config = join(projectRoot, 'packaging/docker/config/turnd.json')
  const args = ['--config', config, '--auth-secret-file', secretFile, '--relay-ip', '127.0.0.1']
  const server = await startServer(t, args, { stateDirectory })

  t.test('serves whom the web service sends', async (t) => {
    const user = restCredential('s3cret', 'somebody')
    const client = TurnClient.on(t, await connectUdp('127.0.0.1', server.port()), user)
    t.equal((await client.allocate()).code, 0)
  })
  t.test('is healthy by the command of the image, until it has ended', async (t) => {
    const command = JSON.parse(textOf('HEALTHCHECK')[0].replace(/^.*? CMD /, '')) as string[]
    t.same(command.slice(0, 3), ['node', '/opt/turnd/dist/turnd.js', 'why'])
    const env = { TURND_STATE_DIR: stateDirectory }
    const check = () => runTurnd(command.slice(2), { cwd: stateDirectory, env })
    t.equal((await check()).code, 0)
    await server.stop()
    t.equal((await check()).code, 1)
  })
})

/** As the server reads the arguments and the file that a container gives it. */
function parseConfig(name: string, text: string, path: string, args: readonly string[]): ParsedSettings['settings'] {
  const parsed = parseCommandLine(args, {}, (wanted) => {
    if (wanted !== path) throw new Error(`${name}: ${wanted} is not mounted`)
    return text
  })
  return (parsed as ParsedSettings).settings
}

/** Whether a file or folder is tracked, or is new and may be; in a copy without git, whether it is there. */
function presenceInCheckout(): (path: string) => boolean {
  if (!existsSync(join(projectRoot, '.git'))) return (path) => existsSync(join(projectRoot, path))
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const tracked = execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).split('\n')
  return (wanted) => tracked.some((path) => path === wanted || path.startsWith(`${wanted}/`))
}
