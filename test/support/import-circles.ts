/** Files that import one another, over however many steps. A type counts: who reads one file has to read the other. */
import { posix } from 'node:path'
import { importsOf, type Sources } from './source-scan.ts'

type Edges = ReadonlyMap<string, readonly string[]>

/**
 * The circles among the files below `folder` (`src/fcgi/`), each as `a.ts -> b.ts -> a.ts`: one for each knot of files that
 * reach one another, and the shortest that it has. None is the aim.
 */
export function importCircles(sources: Sources, folder: string): string[] {
  const edges = edgesBelow(sources, folder)
  const found: string[] = []
  const known = new Set<string>()
  for (const start of [...edges.keys()].toSorted()) {
    if (known.has(start)) continue
    const knot = [...reach(edges, start)].filter((each) => each === start || reach(edges, each).has(start))
    if (!reach(edges, start).has(start)) continue
    for (const each of knot) known.add(each)
    const circles = knot.toSorted().map((each) => shortestCircle(edges, each))
    const [shortest = []] = circles.toSorted((one, other) => one.length - other.length)
    found.push(shortest.join(' -> '))
  }
  return found
}

function edgesBelow(sources: Sources, folder: string): Edges {
  const paths = Object.keys(sources).filter((path) => path.startsWith(folder))
  const inside = new Set(paths)
  return new Map(
    paths.map((path) => {
      const targets = importsOf(sources[path] ?? '').map((each) => posix.join(posix.dirname(path), each))
      return [path, targets.filter((target) => inside.has(target))]
    }),
  )
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

/** From a file back to it, by the fewest imports; the file must be in a circle. */
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
