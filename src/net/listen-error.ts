// Why a listener could not be opened, in one sentence that names the option and says what to do.
import { TurndError } from '../config/errors.js'
import { type ListenTarget, TCP_SCHEMES } from './listen-targets.js'

export function listenError(
  { address, scheme, spec, isExpanded }: ListenTarget,
  error: NodeJS.ErrnoException,
): TurndError {
  const option = isExpanded ? `--listen ${spec.text} (${address})` : `--listen ${spec.text}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new TurndError(
        'TURND_ERR_ADDRESS_IN_USE',
        `${option}: another process listens on ${protocolOf(scheme)} ${address}; stop it, or choose another port`,
        { cause: error },
      )
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

function protocolOf(scheme: ListenTarget['scheme']): string {
  return TCP_SCHEMES.includes(scheme) ? 'TCP' : 'UDP'
}
