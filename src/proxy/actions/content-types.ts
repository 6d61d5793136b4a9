/** What is in a file, by its name: mime-types, which is loaded when a configuration serves files and not before. */

/** The type of a file name, with the charset of text; undefined for what nobody has registered. */
export type ContentTypes = (path: string) => string | undefined

let loaded: Promise<ContentTypes> | undefined

/** Rejects when the package is not installed. */
export function loadContentTypes(): Promise<ContentTypes> {
  return (loaded ??= load())
}

async function load(): Promise<ContentTypes> {
  const { default: types } = await import('mime-types')
  return (path) => {
    const extension = /\.[^./]+$/.exec(path)?.[0]
    return extension === undefined ? undefined : types.contentType(extension) || undefined
  }
}
