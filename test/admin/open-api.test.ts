// GET /api/v1/openapi.json: a document of OpenAPI 3.1 that has every route, and whose schemas are what routes answer.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Value } from 'typebox/value'
import { projectRoot } from '../support/project-root.js'
import { ask, bearer, logIn, openStage } from './support/admin-stage.js'
import { ADMIN } from './support/fake-administered.js'
import { ROUTES } from './support/routes.js'

interface Body {
  readonly schema: object
  /** One, or several by name. */
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Body>> }
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: object }>> }
    >
  >
}
interface Document {
  readonly openapi: string
  readonly info: Readonly<Record<string, string>>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly securitySchemes: object }
}

/** It speaks XML. */
const CMS_API = '/api/v1/turnServers'
const IN_XML = { 'text/xml': { schema: { type: 'string' } } }
const IN_JSON = { 'application/json': { schema: { type: 'object' } } }

const { server } = await openStage(t)
const headers = bearer(await logIn(server))
const document = (await ask(server, { path: '/api/v1/openapi.json', headers })).json<object>() as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
)

t.test('the OpenAPI document', async (t) => {
  t.test('is of version 3.1, and says how to log in', async (t) => {
    t.equal(document.openapi, '3.1.0')
    t.match(document.info, { title: 'turnd', description: /Authorization: Bearer/, version: /./ })
    t.match(document.components.securitySchemes, {
      bearer: { type: 'http', scheme: 'bearer' },
      cookie: { type: 'apiKey', in: 'cookie' },
    })
  })

  t.test('has every route that is in the sources, and no other', async (t) => {
    const routesOf = (path: string, prefix: string) => {
      const text = readFileSync(join(projectRoot, 'src/admin', path), 'utf8')
      return [...text.matchAll(/\b(?:app|api)\.(get|post|patch|put|delete)\(\s*'([^']+)'/g)].map(
        ([, method, path]) => `${method} ${prefix}${path.replace(/:(\w+)/g, '{$1}')}`,
      )
    }
    const inSources = readdirSync(join(projectRoot, 'src/admin/routes')).flatMap((name) =>
      routesOf(`routes/${name}`, name === 'probes.ts' ? '' : '/api/v1'),
    )
    inSources.push(...routesOf('cms/routes.ts', CMS_API))
    t.ok(inSources.length > 20)
    const described = operations.map(({ name }) => name)
    t.same(described.sort(), inSources.filter((name) => !name.endsWith('openapi.json')).sort())
  })

  t.test('describes each: a summary, a name of its own, what it takes and answers, and its errors', async (t) => {
    t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
    for (const { name, operation, path } of operations) {
      t.ok(operation.summary.length > 3 && operation.tags.length === 1, name)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      t.same(parameters.map((parameter) => parameter.name).sort(), named.sort(), name)
      for (const [status, response] of Object.entries(operation.responses))
        t.ok(response.description.length > 3, `${name} ${status}`)
      if (path.startsWith('/api/'))
        t.match(operation.responses['4XX'], { content: path.startsWith(CMS_API) ? IN_XML : IN_JSON }, name)
      const isOpen = ['post /api/v1/session', 'get /healthz', 'get /readyz'].includes(name)
      t.equal(operation.security?.length === 0, isOpen, name)
    }
  })

  t.test('has an example of each body, which is one', async (t) => {
    const bodies = operations.filter(({ operation }) => operation.requestBody !== undefined)
    t.ok(bodies.length >= 6)
    for (const { name, operation } of bodies) {
      const [{ example, examples, schema }] = Object.values(operation.requestBody!.content)
      const values = examples === undefined ? [{ value: example }] : Object.values(examples)
      t.ok(values.length > 0, name)
      for (const { value } of values) t.ok(Value.Check(strict(schema), value), `${name}: ${JSON.stringify(value)}`)
    }
  })

  t.test('has every route that docs/api.md asks', async (t) => {
    const page = readFileSync(join(projectRoot, 'docs/api.md'), 'utf8')
    const paths = [...page.matchAll(/\$HOST(\/[^\s"?]*)/g)].map(([, path]) => path)
    t.ok(paths.length > 15)
    for (const path of paths) t.ok(patternOf(path), path)
  })

  t.test('has what routes really answer, and nothing that they leave out', async (t) => {
    const stage = await openStage(t)
    const login = await ask(stage.server, { method: 'POST', path: '/api/v1/session', body: ADMIN })
    const some = bearer(login.json<{ token: string }>().token)
    const seen = new Set<string>()
    const check = (name: string, status: number, text: string) => {
      const { operation } = operations.find((each) => each.name === name)!
      const response = operation.responses[status] ?? operation.responses['4XX']
      const schema = response.content?.['application/json']?.schema
      if (schema === undefined) return
      seen.add(name)
      const value = JSON.parse(text)
      t.ok(
        Value.Check(strict(schema), value),
        `${name}: ${JSON.stringify(Value.Errors(strict(schema), value).slice(0, 2))}`,
      )
    }
    check('post /api/v1/session', login.status, login.text)
    for (const route of ROUTES) {
      const path = (route.path ?? '').replace(/\?.*/, '')
      const pattern = patternOf(path)
      if (pattern === undefined) continue
      const name = `${(route.method ?? 'GET').toLowerCase()} ${pattern}`
      const failed = await ask(stage.server, route)
      check(name, failed.status, failed.text)
      const answer = await ask(stage.server, { ...route, headers: some })
      if (answer.status === 200) check(name, answer.status, route.path?.endsWith('/file') ? 'null' : answer.text)
    }
    t.ok(seen.size >= 20, `${seen.size}`)
  })
})

/** The path of the document that stands for this one. */
function patternOf(path: string): string | undefined {
  return Object.keys(document.paths).find((each) => new RegExp(`^${each.replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
}

/** The same schema, for which a key that it does not have is wrong. */
function strict(schema: object): object {
  const copy: Record<string, unknown> = { ...schema }
  for (const key of ['properties', 'patternProperties']) {
    const properties = copy[key] as Readonly<Record<string, object>> | undefined
    if (properties === undefined) continue
    copy[key] = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, strict(each)]))
    copy.additionalProperties = false
  }
  if (copy.items !== undefined) copy.items = strict(copy.items as object)
  if (copy.anyOf !== undefined) copy.anyOf = (copy.anyOf as object[]).map(strict)
  return copy
}
