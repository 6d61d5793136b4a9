/**
 * Reads TypeScript sources for the tests that judge them, without a parser: comments, texts and regular expressions
 * are told from code, which is enough to find imports, exports and names.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Sources by path, such as `src/spop/frame.ts`. */
export type Sources = Readonly<Record<string, string>>

/** All TypeScript files below a folder, by their path from the root of the repository. */
export function readSources(folder: string): Sources {
  const sources: Record<string, string> = {}
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) Object.assign(sources, readSources(path))
    else if (path.endsWith('.ts') && !path.endsWith('.d.ts')) sources[path] = readFileSync(path, 'utf8')
  }
  return sources
}

/** In the order of precedence: line comment, block comment, quoted text, regular expression. */
const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\breturn|\btypeof|\bcase)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/gm

const blank = (text: string) => text.replace(/[^\n]/g, ' ')

/** The source without its comments, in the same lines. */
export function withoutComments(source: string): string {
  return source.replace(token, (text) => (/^\/[/*]/.test(text) ? blank(text) : text))
}

/** The source without comments, texts and regular expressions; the expressions inside template texts stay. */
export function codeOnly(source: string): string {
  return blankTemplates(source.replace(token, blank))
}

function blankTemplates(source: string): string {
  let out = ''
  const depths: number[] = [] // open braces within each `${` that is open
  let inText = false
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? ''
    if (inText) {
      if (character === '\\') {
        out += '  '
        at++
      } else if (character === '`') {
        inText = false
        out += ' '
      } else if (character === '$' && source[at + 1] === '{') {
        depths.push(0)
        inText = false
        out += '  '
        at++
      } else out += character === '\n' ? '\n' : ' '
      continue
    }
    const depth = depths.at(-1)
    if (character === '`') inText = true
    else if (depth !== undefined && character === '{') depths[depths.length - 1] = depth + 1
    else if (depth === 0 && character === '}') {
      depths.pop()
      inText = true
    } else if (depth !== undefined && character === '}') depths[depths.length - 1] = depth - 1
    out += inText ? ' ' : character
  }
  return out
}

/** What a file imports or exports from elsewhere: static, dynamic and type-only imports alike. */
export function importsOf(source: string): string[] {
  const code = withoutComments(source)
  const found: string[] = []
  const statement = /(?:^|[;\s])(?:import|export)\b(?:[\w\s{},*$]|\btype\b)*?from\s*(['"])(.*?)\1/g
  const bare = /(?:^|[;\s])import\s*(['"])(.*?)\1/g
  const dynamic = /\bimport\s*\(\s*(['"])(.*?)\1/g
  for (const pattern of [statement, bare, dynamic]) {
    for (const match of code.matchAll(pattern)) found.push(match[2] ?? '')
  }
  return found
}

/** One name that a file gives to others. */
export interface ExportedName {
  readonly name: string
  /** The file that it comes from, as written, or undefined when it is declared here. */
  readonly from: string | undefined
}

/** The names that an `export { … } from '…'` list hands on. */
export function reexportsOf(source: string): ExportedName[] {
  const found: ExportedName[] = []
  const list = /\bexport\s+(?:type\s+)?\{([^}]*)\}\s*(?:from\s*(['"])(.*?)\2)?/g
  for (const [, names = '', , from] of withoutComments(source).matchAll(list)) {
    for (const entry of names.split(',')) {
      const name = entry
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)[0]
      if (name !== undefined && name !== '') found.push({ name, from })
    }
  }
  return found
}
