// Opens the port of --admin-listen; what is wrong with it is a sentence that names the option.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { TurndError } from '../../config/errors.js'
import { formatAddressPort } from '../../config/ip-address.js'
import type { ListenAddress } from '../../config/listen-spec.js'
import { holderOf } from '../../net/listen-error.js'
import { PROC } from '../../net/port-holder.js'

/** What node calls a machine without IPv6. */
const WITHOUT_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

/** Resolves when it listens. Throws TurndError. */
export async function listenForAdmin(server: Server, address: ListenAddress): Promise<void> {
  try {
    await listenOn(server, address)
  } catch (error) {
    throw listenError(address, error as NodeJS.ErrnoException)
  }
}

async function listenOn(server: Server, { host, port }: ListenAddress): Promise<void> {
  if (host !== '*') return listen(server, host, port)
  try {
    await listen(server, '::', port, false)
  } catch (error) {
    if (!WITHOUT_IPV6.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await listen(server, '0.0.0.0', port)
  }
}

async function listen(server: Server, host: string, port: number, ipv6Only = true): Promise<void> {
  const listening = once(server, 'listening')
  server.listen({ host, port, ipv6Only })
  await listening
}

function listenError({ host, port, text }: ListenAddress, error: NodeJS.ErrnoException): TurndError {
  const option = `--admin-listen ${text}`
  const options = { cause: error }
  switch (error.code) {
    case 'EADDRINUSE': {
      const place = formatAddressPort(host, port)
      const remedy = 'stop it, choose another port, or give --admin-listen none'
      const holder = holderOf(PROC, 'TCP', { host: host === '*' ? '::' : host, port })
      return new TurndError(
        'TURND_ERR_ADDRESS_IN_USE',
        `${option}: ${holder} listens on TCP ${place}; ${remedy}`,
        options,
      )
    }
    case 'EADDRNOTAVAIL': {
      const message = `${option}: ${host} is not an address of this machine; give 127.0.0.1, or one of its addresses`
      return new TurndError('TURND_ERR_ADDRESS_NOT_AVAILABLE', message, options)
    }
    case 'EACCES': {
      const message = `${option}: port ${port} needs privileges; choose one above 1023, or grant CAP_NET_BIND_SERVICE`
      return new TurndError('TURND_ERR_LISTEN_FAILED', message, options)
    }
    default:
      return new TurndError('TURND_ERR_LISTEN_FAILED', `${option}: ${error.message}`, options)
  }
}
