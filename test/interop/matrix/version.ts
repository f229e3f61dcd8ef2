// How clients tell their versions.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../support/project-root.js'

/** The first version number of what a program says of itself: `Chromium 150.0.7871.100 built on …`. */
export function versionIn(text: string): string {
  const [version] = /\d+(?:\.\d+)+/.exec(text) ?? []
  if (version === undefined) throw new Error(`there is no version in: ${text}`)
  return version
}

export function npmVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8'))
  return version
}

const FORMAT = `\${Version}`

/** For programs that do not tell. */
export function debianVersion(name: string): string {
  return versionIn(execFileSync('dpkg-query', ['--show', '--showformat', FORMAT, name], { encoding: 'utf8' }))
}
