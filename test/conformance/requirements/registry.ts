// All requirements, document by document, in the order of docs/conformance.md.

import { otherServers } from './other-servers.js'
import type { RequirementList } from './requirement.js'
import { restApi } from './rest-api.js'
import { rfc3489 } from './rfc3489.js'
import { rfc5769 } from './rfc5769.js'
import { rfc5780 } from './rfc5780.js'
import { rfc5928 } from './rfc5928.js'
import { rfc6062 } from './rfc6062.js'
import { rfc7064 } from './rfc7064.js'
import { rfc7065 } from './rfc7065.js'
import { rfc7350 } from './rfc7350.js'
import { rfc7443 } from './rfc7443.js'
import { rfc7635 } from './rfc7635.js'
import { rfc7982 } from './rfc7982.js'
import { rfc7983 } from './rfc7983.js'
import { rfc8016 } from './rfc8016.js'
import { rfc8155 } from './rfc8155.js'
import { rfc8265 } from './rfc8265.js'
import { rfc8489 } from './rfc8489.js'
import { rfc8656 } from './rfc8656.js'

export const REQUIREMENTS: readonly RequirementList[] = [
  rfc8489,
  rfc8656,
  rfc6062,
  rfc7350,
  rfc7443,
  rfc7983,
  rfc8016,
  rfc7635,
  rfc5780,
  rfc3489,
  rfc7982,
  rfc5928,
  rfc7064,
  rfc7065,
  rfc8155,
  restApi,
  rfc8265,
  rfc5769,
  otherServers,
]
