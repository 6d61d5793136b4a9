/** `Type` with its fields and lists writable: how the model is filled. */
export type Draft<Type> = {
  -readonly [Key in keyof Type]: Type[Key] extends readonly (infer Item)[] ? Item[] : Type[Key]
}
