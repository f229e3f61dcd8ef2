// Who is who in the double-domain deployment: one domain outside (octavio.com), another one inside (octavio.local), and a web address that exists in both.
// Every address, name, port and user of the lab is here.

/** Where the static NAT stands for the edge. Both external names lead here. */
export const PUBLIC = '10.88.246.156'
/** The edge's cards: LAN1 to the inside network, LAN2 to the firewall. */
export const EDGE_INSIDE = '172.16.85.168'
export const EDGE_OUTSIDE = '192.168.245.61'
/** The call bridge with its webbridge, and its administration. */
export const CMS = '172.16.85.180'
/** The external client. */
export const CLIENT = '172.16.84.124'

export const OUTSIDE_NETWORK = '172.16.84.0/24'
export const INSIDE_NETWORK = '172.16.85.0/24'

/** What is in between: the firewall's legs, and the router of the inside network. Each network's resolver is there too. */
export const FIREWALL_OUTSIDE = '172.16.84.1'
export const FIREWALL_INSIDE = '192.168.245.1'
export const INSIDE_ROUTER = '172.16.85.1'

export const HTTPS_PORT = 443
export const TURN_PORT = 3478
export const RELAY_PORTS = { min: 24_000, max: 29_999 } as const
export const CMS_ADMIN_PORT = 445

/** What guests open, wherever they are. */
export const WEB_NAME = 'cmsweb.octavio.com'
export const EDGE_NAME = 'vcse.octavio.com'
export const EDGE_INSIDE_NAME = 'vcse.octavio.local'
export const CMS_INSIDE_NAME = 'cmsweb.cms.octavio.local'
export const CMS_ADMIN_NAME = 'admin.cms.octavio.local'
/** Of the edge's certificate. */
export const CERTIFICATE_NAMES = [
  ...[EDGE_NAME, EDGE_INSIDE_NAME, WEB_NAME, 'cmsweb.octavio.local', 'octavio.local'],
  ...[CMS_INSIDE_NAME, 'octavio.com'],
] as const

export const REALM = 'turnuser'
export const TURN_USER = 'turnuser'
export const TURN_PASSWORD = 'cisco'
/** The space that guests join. */
export const CALL_ID = '100101'

/** What the resolvers know: the names of each view. */
export const OUTSIDE_VIEW: Readonly<Record<string, string>> = { [WEB_NAME]: PUBLIC, [EDGE_NAME]: PUBLIC }
export const INSIDE_VIEW: Readonly<Record<string, string>> = {
  // The same name as outside, and another address: split horizon.
  [WEB_NAME]: CMS,
  [EDGE_NAME]: EDGE_INSIDE,
  [EDGE_INSIDE_NAME]: EDGE_INSIDE,
  'cmsweb.octavio.local': CMS,
  [CMS_INSIDE_NAME]: CMS,
  [CMS_ADMIN_NAME]: CMS,
}
