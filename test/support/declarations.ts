/** Reads the declarations that tsc has written to dist/: it writes a member a line, so no parser is needed. */
import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** A member of an interface or class, or of an object within one. */
export interface DeclaredMember {
  readonly name: string
  readonly line: number
  readonly documented: boolean
  /** 1: of the type itself. */
  readonly depth: number
}

/** A type, function or value that a file declares. */
export interface Declaration {
  readonly path: string
  readonly name: string
  /** `interface`, `class`, `type`, `function`, `const`. */
  readonly kind: string
  readonly members: DeclaredMember[]
  /** Names with a capital that it mentions. */
  readonly words: Set<string>
  /** What it extends and implements. */
  readonly bases: readonly string[]
}

interface Origin {
  readonly path: string
  readonly name: string
}

interface DeclarationFile {
  readonly declared: ReadonlyMap<string, Declaration>
  /** Names that come from other files, by what they are called here. */
  readonly others: ReadonlyMap<string, Origin>
  readonly exports: readonly string[]
  readonly stars: readonly string[]
}

const head = /^(?:export )?(?:declare )?(?:abstract )?(class|interface|type|const|function) (\w+)/
const member =
  /^((?:(?:static|readonly|abstract|protected|private|get|set) )*)('[^']+'|[\w$]+|\[Symbol\.\w+\])\??(?=[<(:;])/
/** `type: 'ack'`: a tag says itself. */
const tag = /^readonly \w+: (?:'[^']*'|\d+|undefined|readonly \[\]);$/

/** Whether a line declares a member that users see; what begins with `_` is Node.js's own. */
function memberOf(line: string): string | undefined {
  const [, modifiers = '', name = ''] = member.exec(line) ?? []
  if (name === '' || name.startsWith('_') || name === 'constructor' || name === 'new') return undefined
  return /private|protected/.test(modifiers) || tag.test(line) ? undefined : name
}

/** The lines without comments; each with whether a `/**` comment ends right before it. */
function codeLines(
  text: string,
): { readonly code: string; readonly line: number; readonly documented: boolean }[] {
  const found: { code: string; line: number; documented: boolean }[] = []
  let comment: string | undefined
  let documented = false
  for (const [index, raw] of text.split('\n').entries()) {
    const code = raw.trim()
    if (comment === undefined && code.startsWith('/*')) comment = code
    if (comment === undefined) {
      if (code !== '' && !code.startsWith('//')) found.push({ code, line: index + 1, documented })
      documented = false
    } else if (code.endsWith('*/')) {
      documented = comment.startsWith('/**')
      comment = undefined
    }
  }
  return found
}

/** The declarations of a file's text. Objects that functions take or answer have no members here. */
export function readDeclarations(path: string, text: string): Map<string, Declaration> {
  const declared = new Map<string, Declaration>()
  let current: Declaration | undefined
  let depth = 0
  /** How deep the signature is that is being read. */
  let signature: number | undefined
  for (const { code, line, documented } of codeLines(text)) {
    const bare = code.replace(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\/\/.*/g, '')
    const begun = depth === 0 ? begin(path, code, bare) : undefined
    if (begun !== undefined) {
      current = begun
      // The signatures of an overloaded function are one declaration.
      declared.set(begun.name, declared.get(begun.name) ?? begun)
    } else if (depth > 0 && signature === undefined) {
      const name = memberOf(code)
      if (name !== undefined) current?.members.push({ name, line, documented, depth })
    }
    for (const word of bare.match(/\b[A-Z]\w*\b/g) ?? []) current?.words.add(word)
    const next = depth + count(bare, '{') - count(bare, '}')
    if (next > depth && bare.includes('(')) signature ??= depth
    else if (signature !== undefined && next <= signature) signature = undefined
    depth = next
  }
  return declared
}

/** The declaration that a line begins. */
function begin(path: string, code: string, bare: string): Declaration | undefined {
  const [, kind, name] = head.exec(code) ?? []
  if (kind === undefined || name === undefined) return undefined
  const bases = kind === 'type' ? undefined : /(?:extends|implements) (.*)\{/.exec(bare)?.[1]
  return { path, name, kind, members: [], words: new Set(), bases: bases?.match(/\b[A-Z]\w+/g) ?? [] }
}

const count = (text: string, character: string) => text.split(character).length - 1

/** Follows what the files below dist/ hand on to one another. */
export class Declarations {
  readonly #files = new Map<string, DeclarationFile>()

  /** What can be seen through these index files: what they export, and whatever that mentions. */
  reachable(entries: readonly string[]): ReadonlySet<Declaration> {
    const seen = new Set<Declaration>()
    const next = entries.flatMap((path) => this.#exported(path))
    for (let found = next.pop(); found !== undefined; found = next.pop()) {
      if (seen.has(found)) continue
      seen.add(found)
      for (const word of found.words) next.push(...this.#find(found.path, word))
    }
    return seen
  }

  /** Whether a base of the type documents that member: editors show it for the one that overrides it, too. */
  inherits(declaration: Declaration, name: string): boolean {
    return declaration.bases.some((base) =>
      this.#find(declaration.path, base).some(
        (each) =>
          each.members.some((one) => one.name === name && one.documented) || this.inherits(each, name),
      ),
    )
  }

  #exported(path: string): Declaration[] {
    const { exports, stars, declared } = this.#read(path)
    const names = [...exports, ...declared.keys()]
    return [
      ...names.flatMap((name) => this.#find(path, name)),
      ...stars.flatMap((star) => this.#exported(star)),
    ]
  }

  #find(path: string, name: string): Declaration[] {
    const { declared, others, stars } = this.#read(path)
    const own = declared.get(name)
    if (own !== undefined) return [own]
    const origin = others.get(name)
    if (origin !== undefined) return this.#find(origin.path, origin.name)
    return stars.flatMap((star) => this.#find(star, name))
  }

  #read(path: string): DeclarationFile {
    const known = this.#files.get(path)
    if (known !== undefined) return known
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const resolve = (from: string) => posix.join(posix.dirname(path), from).replace(/\.ts$/, '.d.ts')
    const others = new Map<string, Origin>()
    const exports: string[] = []
    for (const [, verb, names = '', from = ''] of text.matchAll(
      /^(import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/gm,
    )) {
      for (const each of names.split(',')) {
        const [name = '', called = name] = each
          .trim()
          .replace(/^type /, '')
          .split(' as ')
        if (name === '') continue
        others.set(called, { path: resolve(from), name })
        if (verb === 'export') exports.push(called)
      }
    }
    const stars = [...text.matchAll(/^export \* from '(\.[^']+)'/gm)].map(([, from = '']) => resolve(from))
    const file = { declared: readDeclarations(path, text), others, exports, stars }
    this.#files.set(path, file)
    return file
  }
}
