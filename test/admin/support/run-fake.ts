// The admin server over a fake, to look at the page by hand: `node build/test/admin/support/run-fake.js [PORT] [CLIENTS]`. It prints a login link.
import { openAdminServer } from '../../../src/admin/admin-server.js'
import { parseAdminListen } from '../../../src/config/listen-spec.js'
import { createLogger } from '../../../src/log/logger.js'
import { ADMIN, FakeAdministered, fakeClient } from './fake-administered.js'

const [port = '8445', clients = '200'] = process.argv.slice(2)
const fake = new FakeAdministered()
fake.clientRows = Array.from({ length: Number(clients) }, (_, index) => fakeClient(index))
const server = await openAdminServer({
  administered: fake,
  listen: parseAdminListen(`127.0.0.1:${port}`)!,
  ...{ publicNames: [], certificate: null, metricsTokens: [], logger: createLogger('debug', false) },
  warn: console.error,
})
setInterval(() => fake.tick(), 1000)
console.log(`${server.loginLink()} or log in as ${ADMIN.user} with ${ADMIN.password}`)
