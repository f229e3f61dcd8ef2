// How a server of another process calls whoever has a port: as the system tells it, or in words where it does not.
import { PROC, portHolder } from '../../src/net/port-holder.js'

export function holderText(protocol: 'UDP' | 'TCP', host: string, port: number): string {
  return portHolder(PROC, protocol === 'TCP' ? 'tcp' : 'udp', host, port)?.text ?? 'another process'
}
