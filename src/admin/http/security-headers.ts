// What browsers are told about answers of this server: where scripts come from, that no frame may have it, that nothing is kept.
import fastifyHelmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import { hostnameOf } from '../../net/stream/http-host.js'

/** A year, for the name alone that was asked for: what is beside it is not ours. */
const HSTS = 'max-age=31536000'
/** Of all that a page could ask a browser for, this one needs nothing. */
const PERMISSIONS = ['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'serial', 'usb']

/** @param scriptHashes of what stands in index.html itself */
export async function installSecurityHeaders(app: FastifyInstance, scriptHashes: readonly string[]): Promise<void> {
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", ...scriptHashes],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    // Set below, over TLS alone: without it the header means nothing.
    strictTransportSecurity: false,
  })
  const permissions = PERMISSIONS.map((name) => `${name}=()`).join(', ')
  app.addHook('onRequest', async (request, reply) => {
    reply.header('permissions-policy', permissions)
    // Browsers hold it against every port of a name, and localhost is everybody's.
    const name = hostnameOf(request.headers.host ?? '')
    if (request.protocol === 'https' && name !== 'localhost') reply.header('strict-transport-security', HSTS)
  })
}
