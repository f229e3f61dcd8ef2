// Why a listener could not be opened, in one sentence that names the option, says who is in the way, and what to do.
import { TurndError } from '../config/errors.js'
import type { TransportAddress } from '../stun/address.js'
import { type ListenTarget, TCP_SCHEMES } from './listen-targets.js'
import { PROC, type ProcReader, portHolder } from './port-holder.js'

const HTTPS_PORT = 443

export function listenError(target: ListenTarget, error: NodeJS.ErrnoException, proc = PROC): TurndError {
  const { address, scheme, spec, isExpanded } = target
  const option = isExpanded ? `--listen ${spec.text} (${address})` : `--listen ${spec.text}`
  switch (error.code) {
    case 'EADDRINUSE': {
      const protocol = TCP_SCHEMES.includes(scheme) ? 'TCP' : 'UDP'
      const holder = holderOf(proc, protocol, address)
      return new TurndError(
        'TURND_ERR_ADDRESS_IN_USE',
        `${option}: ${holder} listens on ${protocol} ${address}; ${remedyFor(protocol, address.port)}, or choose another port`,
        { cause: error },
      )
    }
    case 'EADDRNOTAVAIL':
      return new TurndError(
        'TURND_ERR_ADDRESS_NOT_AVAILABLE',
        `${option}: ${address.host} is not an address of this machine; behind static NAT listen on the private address`,
        { cause: error },
      )
    case 'EACCES':
      return new TurndError(
        'TURND_ERR_LISTEN_FAILED',
        `${option}: port ${address.port} needs privileges; choose one above 1023, or grant CAP_NET_BIND_SERVICE`,
        { cause: error },
      )
    default:
      return new TurndError('TURND_ERR_LISTEN_FAILED', `${option}: ${error.message}`, { cause: error })
  }
}

/** `nginx (process 812)`; `another process` where the system does not say. */
export function holderOf(
  proc: ProcReader,
  protocol: 'UDP' | 'TCP',
  { host, port }: Pick<TransportAddress, 'host' | 'port'>,
): string {
  const holder = portHolder(proc, protocol === 'TCP' ? 'tcp' : 'udp', host, port)
  if (holder === null) return 'another process'
  return holder.pid === process.pid ? 'this process itself' : holder.text
}

/** Port 443 is mostly a web server's, and both can have it. */
function remedyFor(protocol: 'UDP' | 'TCP', port: number): string {
  if (protocol === 'UDP' || port !== HTTPS_PORT) return 'stop it'
  return 'stop it, or move it to another port (a web server can stand behind this one: --http-upstream)'
}
