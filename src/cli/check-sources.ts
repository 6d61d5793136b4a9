/** The files that `sluice check` is given. */
import { Buffer } from 'node:buffer'
import { resolve } from 'node:path'
import { Diagnostics, type ConfigSource } from '../config/index.ts'
import { isSpoeText } from '../lint/index.ts'
import { Files } from '../proxy/compile/files.ts'

/** Configurations and SPOE files, told apart by what they hold. */
export class CheckSources {
  /** Names of configuration files, also of those that cannot be read. */
  readonly names: string[] = []
  readonly configuration: ConfigSource[] = []
  /** SPOE files that are checked alone: no filter of the configuration reads them. */
  readonly spoeFiles: readonly ConfigSource[]
  readonly env = process.env
  readonly #files = new Files(process.cwd(), new Diagnostics())
  readonly #texts = new Map<string, string | undefined>()
  readonly #lines = new Map<string, readonly string[]>()

  constructor(names: readonly string[]) {
    const spoeFiles: ConfigSource[] = []
    for (const file of names.flatMap((name) => this.#files.expand(name))) {
      const text = this.#read(Buffer.from(file, 'utf8').toString('latin1'))
      this.#texts.set(file, text)
      if (text !== undefined && isSpoeText(text)) spoeFiles.push({ file, text })
      else this.names.push(file)
      if (text !== undefined && !isSpoeText(text)) this.configuration.push({ file, text })
    }
    const named = new Set(
      this.configuration.flatMap(({ text }) => spoeFilesIn(text)).map((file) => resolve(file)),
    )
    this.spoeFiles = spoeFiles.filter(({ file }) => !named.has(resolve(file)))
  }

  /**
   * With one character for each byte, as configurations are read, and so are the names in them; undefined when it cannot
   * be read.
   */
  text(file: string): string | undefined {
    if (!this.#texts.has(file)) this.#texts.set(file, this.#read(file))
    return this.#texts.get(file)
  }

  #read(file: string): string | undefined {
    return this.#files.optionalBytes(file)?.toString('latin1')
  }

  /** The lines of a file, to be shown. */
  lines(file: string): readonly string[] {
    const lines = this.#lines.get(file) ?? this.text(file)?.split('\n') ?? []
    this.#lines.set(file, lines)
    return lines
  }
}

/** The files that filters read, as far as their names are written out. */
function spoeFilesIn(text: string): string[] {
  const lines = text.matchAll(/^[ \t]*filter[ \t]+spoe[ \t].*\bconfig[ \t]+["']?([^\s"'#]+)/gm)
  return [...lines].map(([, file = '']) => file)
}
