// All clients of the matrix, and all of its cells.
import type { EngineUnderTest } from '../../support/engines.js'
import { aioice } from './clients/aioice.js'
import { chromium } from './clients/chromium.js'
import { coturn } from './clients/coturn.js'
import { firefox } from './clients/firefox.js'
import { libnice } from './clients/libnice.js'
import { werift } from './clients/werift.js'
import { wrtc } from './clients/wrtc.js'
import { type Cell, FAMILIES, type MatrixClient, TRANSPORTS, type Transport } from './contract.js'

export const CLIENTS: readonly MatrixClient[] = [chromium, firefox, wrtc, werift, libnice, aioice, coturn]

export function cellsOf(
  clients: readonly MatrixClient[],
  transports: readonly Transport[],
  engines: readonly EngineUnderTest[],
): Cell[] {
  return engines.flatMap((engine) =>
    clients.flatMap((client) =>
      TRANSPORTS.filter((transport) => transports.includes(transport)).flatMap((transport) =>
        FAMILIES.map((family) => ({ client, engine, transport, family })),
      ),
    ),
  )
}
