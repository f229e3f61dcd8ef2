// Where a question turns from no to yes, with few questions: each no counts against the failure budget of whoever is asked.

/** Exact to this share of the distance: `about 2 hours` needs no more. */
const RELATIVE_ERROR = 0.03

/**
 * The offset from which on `isTaken` says yes: 0 if it is within the tolerance, else exact to the tolerance or a few percent; -Infinity if it says
 * yes everywhere.
 * @param isTaken no below the threshold, yes from it on
 * @param farthest where it says yes
 */
export async function findThreshold(
  isTaken: (offset: number) => Promise<boolean>,
  tolerance: number,
  farthest: number,
): Promise<number> {
  const [isBelow, isAbove] = [await isTaken(-tolerance), await isTaken(tolerance)]
  if (!isBelow && isAbove) return 0
  if (isBelow && (await isTaken(-farthest))) return Number.NEGATIVE_INFINITY
  // By powers of the distance: it may be minutes or years.
  let [near, far] = [tolerance, farthest]
  const isNearer = isBelow ? async (size: number) => !(await isTaken(-size)) : isTaken
  while (far - near > tolerance && far / near > 1 + RELATIVE_ERROR) {
    const middle = Math.sqrt(near * far)
    if (await isNearer(middle)) far = middle
    else near = middle
  }
  const size = (near + far) / 2
  return isBelow ? -size : size
}
