/** Files and folders that import one another, over however many steps. A type counts: who reads one has to read the other. */
import { posix } from 'node:path'
import { importsOf, type Sources } from './source-scan.ts'

type Edges = ReadonlyMap<string, readonly string[]>

/** The circles among the files below `folder` (`src/fcgi/`), as `circles` tells them. */
export function importCircles(sources: Sources, folder: string): string[] {
  return circles(edgesBelow(sources, folder, (path) => path))
}

/**
 * The circles among the folders below `folder`. A folder that has folders inside holds what assembles them and what they
 * share, so its own files stand each for itself.
 */
export function folderCircles(sources: Sources, folder: string): string[] {
  const folderOf = (path: string) => posix.dirname(path)
  const folders = new Set(Object.keys(sources).map(folderOf))
  const parents = new Set([...folders].map(folderOf))
  const standsFor = (path: string) => (parents.has(folderOf(path)) ? path : folderOf(path))
  return circles(edgesBelow(sources, folder, standsFor))
}

/**
 * Each circle as `a -> b -> a`: one for each knot of names that reach one another, and the shortest that it has. None is
 * the aim.
 */
export function circles(edges: Edges): string[] {
  const found: string[] = []
  const known = new Set<string>()
  for (const start of [...edges.keys()].toSorted()) {
    if (known.has(start)) continue
    const reached = reach(edges, start)
    if (!reached.has(start)) continue
    const knot = [...reached].filter((each) => each === start || reach(edges, each).has(start))
    for (const each of knot) known.add(each)
    const shortest = knot.toSorted().map((each) => shortestCircle(edges, each))
    found.push((shortest.toSorted((one, other) => one.length - other.length)[0] ?? []).join(' -> '))
  }
  return found
}

/** Who imports whom, by what a path stands for; an import within that is none, but for a file that imports itself. */
function edgesBelow(sources: Sources, folder: string, standsFor: (path: string) => string): Edges {
  const edges = new Map<string, string[]>()
  for (const [path, source] of Object.entries(sources)) {
    if (!path.startsWith(folder)) continue
    const from = standsFor(path)
    const targets = edges.get(from) ?? []
    edges.set(from, targets)
    for (const specifier of importsOf(source)) {
      const target = posix.join(posix.dirname(path), specifier)
      if (!target.startsWith(folder) || !(target in sources)) continue
      if (standsFor(target) !== from || target === path) targets.push(standsFor(target))
    }
  }
  return edges
}

/** What can be reached in one step or more. */
function reach(edges: Edges, start: string): Set<string> {
  const seen = new Set<string>()
  const next = [...(edges.get(start) ?? [])]
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    next.push(...(edges.get(path) ?? []))
  }
  return seen
}

/** From a name back to it, by the fewest imports; it must be in a circle. */
function shortestCircle(edges: Edges, start: string): string[] {
  const trails: string[][] = [[start]]
  const seen = new Set<string>()
  for (let trail = trails.shift(); trail !== undefined; trail = trails.shift()) {
    for (const target of edges.get(trail.at(-1) ?? '') ?? []) {
      if (target === start) return [...trail, start]
      if (!seen.has(target)) trails.push([...trail, target])
      seen.add(target)
    }
  }
  return []
}
