// A Dockerfile as its instructions: continued lines joined, comments gone, build arguments put in, by stage. Used by container.test.ts and image-tree.test.ts.
export interface Instruction {
  /** In capitals. */
  readonly name: string
  readonly text: string
}

export interface Stage {
  readonly image: string
  /** Empty for a stage without a name. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** Throws if it does not begin as a Dockerfile does. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  const joined = lines.join('\n').replace(/\\\n\s*/g, ' ')
  const instructions = joined.split('\n').flatMap((line) => {
    const found = /^([A-Z]+)\s+(.*)$/.exec(line.trim())
    if (line.trim() !== '' && found === null) throw new Error(`not an instruction: ${line}`)
    return found === null ? [] : [{ name: found[1], text: found[2] }]
  })
  const values = new Map<string, string>()
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of instructions) {
    const { name, text } = instruction
    if (name === 'FROM') {
      const [image = '', , stageName = ''] = text.split(/\s+/)
      stages.push({ image: substituted(image, values), name: stageName, instructions: [] })
    } else if (stages.length > 0) stages.at(-1)!.instructions.push(instruction)
    else if (name === 'ARG') {
      const [key, value = ''] = text.split('=')
      values.set(key, value)
    } else throw new Error(`${name} before the first FROM`)
  }
  return stages
}

/** What COPY takes and where to; `from` is the stage, empty for the build's own folder. */
export function parseCopy(text: string): { from: string; sources: string[]; target: string } {
  const words = text.split(/\s+/)
  const flags = words.filter((word) => word.startsWith('--'))
  const paths = words.filter((word) => !word.startsWith('--'))
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length) ?? ''
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
}

function substituted(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '')
}
