// All requirements, document by document, in the order of docs/conformance.md.
import type { RequirementList } from './requirement.js'
import { rfc3489 } from './rfc3489.js'
import { rfc5780 } from './rfc5780.js'
import { rfc5928 } from './rfc5928.js'
import { rfc7064 } from './rfc7064.js'
import { rfc7065 } from './rfc7065.js'
import { rfc7635 } from './rfc7635.js'
import { rfc7982 } from './rfc7982.js'
import { rfc8016 } from './rfc8016.js'
import { rfc8155 } from './rfc8155.js'
import { rfc8489 } from './rfc8489.js'
import { rfc8656 } from './rfc8656.js'

export const REQUIREMENTS: readonly RequirementList[] = [
  rfc8489,
  rfc8656,
  rfc8016,
  rfc7635,
  rfc5780,
  rfc3489,
  rfc7982,
  rfc5928,
  rfc7064,
  rfc7065,
  rfc8155,
]
