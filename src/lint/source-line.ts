/**
 * The lines of a file in words, each with the section around it. Rules that follow a name through the whole
 * configuration read these: the model lacks the lines that sluice does not implement, and names stand there, too.
 */
import type { Modifier } from '../config/text/args.ts'
import { Diagnostics } from '../config/text/diagnostics.ts'
import type { Place } from '../config/text/diagnostics.ts'
import { readLines } from '../config/text/lines.ts'
import type { LineHandler } from '../config/text/lines.ts'
import { sectionKinds, unsupportedSections } from '../config/keywords/sections.ts'
import type { Word } from '../config/text/word.ts'

/** One line that counts. */
export interface SourceLine {
  readonly words: readonly Word[]
  /** What `.if` left, without `no` and `default` in front. */
  readonly modifier: Modifier
  readonly section: SourceSection
}

/** A section of a configuration file or of a SPOE file. */
export interface SourceSection {
  /** `frontend`, `spoe-agent`, ...; '' before the first. */
  readonly kind: string
  readonly name: string
  readonly place: Place
  /** The `[scope]` of a SPOE file; undefined outside of scopes. */
  readonly scope: string | undefined
}

const spoeSections = ['spoe-agent', 'spoe-message', 'spoe-group']
const kinds: ReadonlySet<string> = new Set([...sectionKinds, ...unsupportedSections.keys(), ...spoeSections])

/** Reads a file. What is wrong with its lines is somebody else's to report. */
export function readSourceLines(
  file: string,
  text: string,
  environment: ReadonlyMap<string, string>,
): SourceLine[] {
  const reader = new SourceReader(file)
  readLines({ file, text, environment }, reader, new Diagnostics())
  return reader.lines
}

class SourceReader implements LineHandler {
  readonly lines: SourceLine[] = []
  section = ''
  #current: SourceSection

  constructor(file: string) {
    this.#current = { kind: '', name: '', place: { file, line: 1, column: 1 }, scope: undefined }
  }

  scope(text: string, place: Place): void {
    const scope = /^\[([^\]]*)\]/.exec(text)?.[1]
    this.#current = { kind: '', name: '', place, scope }
  }

  /** A malformed line was reported; what its words were meant to be is not known. */
  broken(): void {}

  line(words: readonly Word[], modifier: Modifier): void {
    const [first, second] = words
    if (first === undefined) return
    if (kinds.has(first.text)) {
      const name = second?.text ?? ''
      this.section = name === '' ? first.text : name
      this.#current = { kind: first.text, name, place: first.place, scope: this.#current.scope }
    }
    this.lines.push({ words, modifier, section: this.#current })
  }
}

/** The line that begins with these words. */
export function beginsWith(line: SourceLine, words: readonly string[]): boolean {
  return words.every((word, at) => line.words[at]?.text === word)
}

/** Whether a file is a SPOE file rather than a configuration: what its sections are called says so. */
export function isSpoeText(text: string): boolean {
  const words = new Set(
    [...text.matchAll(/^[ \t]*([a-z-]+|\[[^\]\n]+\])(?=[\s#]|$)/gm)].map(([, word = '']) =>
      word.startsWith('[') ? '[' : word,
    ),
  )
  const isConfiguration = [...sectionKinds].some((kind) => words.has(kind))
  return !isConfiguration && (words.has('[') || spoeSections.some((kind) => words.has(kind)))
}
