/** The files of the page: read once, when they are asked for, and told apart by what is in them. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { replyText, withHeaders } from './replies.ts'

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Folders beside this file whose files browsers may have; modules name one another by these paths. */
const folders = ['web', 'view'] as const

interface Asset {
  readonly type: string
  readonly body: Buffer
  readonly tag: string
}

/** `web/app.js` and the others. */
export class Assets {
  readonly #files: ReadonlyMap<string, URL>
  readonly #loaded = new Map<string, Asset>()

  constructor() {
    // What is there is all that can be asked for: a path of a request is only compared.
    this.#files = new Map(
      folders.flatMap((folder) => {
        const base = new URL(`./${folder}/`, import.meta.url)
        return list(base).map((name) => [`${folder}/${name}`, new URL(name, base)] as const)
      }),
    )
  }

  /** Answers with the file of that name. */
  answer(request: IncomingMessage, response: ServerResponse, name: string): void {
    const asset = this.#find(name)
    if (asset === undefined) return replyText(request, response, 404, 'not found')
    const { type, body, tag } = asset
    const head = { 'cache-control': 'no-cache', etag: tag }
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304, withHeaders(type, head)).end()
      return
    }
    response.writeHead(200, withHeaders(type, { ...head, 'content-length': String(body.length) }))
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #find(name: string): Asset | undefined {
    const file = this.#files.get(name)
    if (file === undefined) return undefined
    let asset = this.#loaded.get(name)
    if (asset === undefined) {
      asset = load(file, name)
      this.#loaded.set(name, asset)
    }
    return asset
  }
}

function list(folder: URL): string[] {
  try {
    return readdirSync(folder).filter((name) => types[extname(name)] !== undefined)
  } catch {
    // Somebody has made one file of it all: the numbers are there, and the page without its looks.
    return []
  }
}

function load(file: URL, name: string): Asset {
  // Maps are not handed out, and a browser would ask for them.
  const body = Buffer.from(readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, ''))
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type: types[extname(name)] ?? '', body, tag }
}
