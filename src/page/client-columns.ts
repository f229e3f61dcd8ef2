// The columns of the table of clients.
import { html, type TemplateResult } from 'lit-html'
import type { Client, ClientQuery } from '../admin/schema/clients.js'
import { bytes, compactCount, count, duration } from './format.js'
import { timeAgo } from './parts.js'
import type { Column } from './virtual-table.js'

type SortKey = NonNullable<ClientQuery['sort']>

const SORT_KEYS: Readonly<Record<SortKey, true>> = {
  ...({ user: true, client: true, transport: true, relayed: true, createdTime: true, expiresInSeconds: true } as const),
  ...({ permissionCount: true, channelCount: true } as const),
  ...({ packetsFromClient: true, bytesFromClient: true, packetsToClient: true, bytesToClient: true } as const),
}

export function isSortKey(key: string | undefined): key is SortKey {
  return key !== undefined && Object.hasOwn(SORT_KEYS, key)
}

const number = { isNumber: true }
const optional = { isOptional: true }

export function CLIENT_COLUMNS(now: () => number): readonly (Column<Client> & { readonly key: SortKey })[] {
  return [
    { key: 'user', label: 'User', cell: ({ user }) => html`<span title=${user}>${user}</span>` },
    { key: 'client', label: 'Client', cell: ({ client }) => html`<span title=${client}>${client}</span>` },
    { key: 'transport', label: 'Via', cell: ({ transport }) => transport.toUpperCase() },
    {
      key: 'relayed',
      label: 'Relay',
      cell: ({ relayed, relayTransport }) => {
        const text = `${relayed.join(', ')}${relayTransport === 'tcp' ? ' TCP' : ''}`
        return html`<span title=${text}>${text}</span>`
      },
      ...optional,
    },
    { key: 'createdTime', label: 'Since', cell: ({ createdTime }) => timeAgo(createdTime, now()), ...optional },
    {
      key: 'expiresInSeconds',
      label: 'Expires in',
      cell: ({ expiresInSeconds }) => duration(expiresInSeconds),
      ...number,
      ...optional,
    },
    {
      key: 'permissionCount',
      label: 'Perm.',
      cell: ({ permissionCount }) => count(permissionCount),
      ...number,
      ...optional,
    },
    { key: 'channelCount', label: 'Chan.', cell: ({ channelCount }) => count(channelCount), ...number, ...optional },
    {
      key: 'packetsFromClient',
      label: 'Packets from',
      cell: ({ packetsFromClient }) => exact(packetsFromClient),
      ...number,
      ...optional,
    },
    { key: 'bytesFromClient', label: 'Bytes from', cell: ({ bytesFromClient }) => bytes(bytesFromClient), ...number },
    {
      key: 'packetsToClient',
      label: 'Packets to',
      cell: ({ packetsToClient }) => exact(packetsToClient),
      ...number,
      ...optional,
    },
    { key: 'bytesToClient', label: 'Bytes to', cell: ({ bytesToClient }) => bytes(bytesToClient), ...number },
  ]
}

function exact(value: number): TemplateResult {
  return html`<span title=${count(value)}>${compactCount(value)}</span>`
}
