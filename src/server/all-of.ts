// Waiting for two things that go on at the same time, one of which may fail.

/** Like Promise.all, but does not reject before both have ended: who gets the error can rely on nothing going on behind it. */
export async function allOf<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}
