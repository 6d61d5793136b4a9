/** Of the package, what is used: it brings no types, and theirs would be one more. */
declare module 'mime-types' {
  const types: { contentType(extension: string): string | false }
  export default types
}
