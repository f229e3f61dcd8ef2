// The Kubernetes manifests of packaging/kubernetes as what the tests look at. Used by container.test.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { projectRoot } from '../support/project-root.js'

const FOLDER = join(projectRoot, 'packaging/kubernetes')

type Labels = Readonly<Record<string, string>>

interface Kustomization {
  readonly namespace: string
  readonly resources: readonly string[]
  readonly images: readonly { readonly newTag: string }[]
}

export interface Probe {
  readonly httpGet: { readonly host: string; readonly port: number; readonly path: string }
  readonly periodSeconds: number
  readonly failureThreshold: number
}

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly ports: readonly { readonly containerPort: number; readonly hostPort: number; readonly protocol: string }[]
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly securityContext: unknown
  readonly resources: { readonly limits: { readonly memory: string; readonly cpu?: string } }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Source {
  readonly configMap?: { readonly name: string }
  readonly secret?: {
    readonly name: string
    readonly items: readonly { readonly key: string; readonly path: string }[]
  }
}

export interface Volume {
  readonly name: string
  readonly emptyDir?: unknown
  readonly projected?: { readonly defaultMode: number; readonly sources: readonly Source[] }
}

interface Pod {
  readonly hostNetwork: boolean
  readonly affinity: {
    readonly podAntiAffinity: {
      readonly requiredDuringSchedulingIgnoredDuringExecution: readonly {
        readonly topologyKey: string
        readonly labelSelector: { readonly matchLabels: Labels }
      }[]
    }
  }
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: unknown
  readonly containers: readonly [Container]
  readonly volumes: readonly Volume[]
}

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels: Labels }
  /** Of a ConfigMap. */
  readonly data?: Labels
  /** Of a Secret. */
  readonly stringData?: Labels
  readonly spec?: {
    readonly selector: { readonly matchLabels: Labels }
    /** Of a Deployment. */
    readonly replicas?: number
    readonly strategy?: { readonly rollingUpdate: unknown }
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod }
    /** Of a PodDisruptionBudget. */
    readonly maxUnavailable?: number
  }
}

export interface Manifests {
  readonly kustomization: Kustomization
  /** In the folder, without the kustomization. */
  readonly files: readonly string[]
  /** Of YAML, with the file. */
  readonly errors: readonly string[]
  readonly byKind: ReadonlyMap<string, Manifest>
  /** Throws if there is none. */
  one(kind: string): Manifest
}

/** Those that the kustomization names. */
export function readManifests(): Manifests {
  const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')
  const kustomization = parse(read('kustomization.yaml')) as Kustomization
  const errors: string[] = []
  const byKind = new Map<string, Manifest>()
  for (const file of kustomization.resources) {
    for (const document of parseAllDocuments(read(file))) {
      errors.push(...document.errors.map(({ message }) => `${file}: ${message}`))
      const manifest = document.toJS() as Manifest
      byKind.set(manifest.kind, manifest)
    }
  }
  const files = readdirSync(FOLDER).filter((file) => file !== 'kustomization.yaml')
  const one = (kind: string) => {
    const found = byKind.get(kind)
    if (found === undefined) throw new Error(`no ${kind} in ${FOLDER}`)
    return found
  }
  return { kustomization, files, errors, byKind, one }
}
