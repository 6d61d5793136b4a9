/** Where this package came from, for a project that is to have the same. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** What npm writes beside the packages of a folder. */
interface InstalledPackages {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>
}

/**
 * What a package.json says for the package in the folder `root`: `file:` and a path for a clone, and for one that was
 * installed from a file; else the version, from the registry.
 */
export function packageSource(root: string, version: string): string {
  const modules = dirname(root)
  if (basename(modules) !== 'node_modules') return `file:${root}`
  const path = resolvedFile(modules, basename(root))
  return path === undefined ? `^${version}` : `file:${resolve(dirname(modules), path)}`
}

function resolvedFile(modules: string, name: string): string | undefined {
  try {
    const text = readFileSync(join(modules, '.package-lock.json'), 'utf8')
    const { packages } = JSON.parse(text) as InstalledPackages
    const resolved = packages?.[`node_modules/${name}`]?.resolved
    return resolved?.startsWith('file:') === true ? resolved.slice('file:'.length) : undefined
  } catch {
    // Another package manager than npm: it has its own file, or none.
    return undefined
  }
}
