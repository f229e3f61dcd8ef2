// Why a client that comes from another address did not get its allocation there (RFC 8016): a part of the catalogue of refusals.

export const MOBILITY_REFUSALS = {
  'mobility-off': {
    meaning: 'the client has come from another address with a ticket, and --mobility is off',
    remedy: 'nothing: the client must allocate again; if allocations should survive it, start with --mobility',
  },
  'mobility-elsewhere': {
    meaning: 'the client has come from another address with a ticket, but to a thread that cannot reach its allocation',
    remedy: 'nothing: the client must allocate again; over streams clients move freely with --stream-workers 1 alone',
  },
  'ticket-invalid': {
    meaning: 'the ticket is none that this server has given out',
    remedy: 'the client must allocate again; after a change of the state directory this is normal',
  },
  'ticket-used': {
    meaning: 'the ticket has been used, and the client has had the next one',
    remedy: 'nothing, unless clients lose calls: the client must use the ticket of the latest answer',
  },
  'not-moved': {
    meaning: 'the client has shown its ticket where its allocation already is',
    remedy: 'the client must refresh without the ticket as long as its address is the same (RFC 8016)',
  },
  'way-failed': {
    meaning: 'there is no socket for a client that has come from another address',
    remedy: 'look at the limit of open files (LimitNOFILE, ulimit -n); the client must allocate again',
  },
} as const
