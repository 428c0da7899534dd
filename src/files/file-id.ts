const idShape = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/

/** True for the id of a file, which is its name on the disk: a UUID of version 7. */
export function isFileId(name: string): boolean {
  return idShape.test(name)
}

/** The id, if it is one: nothing else becomes a path. */
export function checkedId(id: string): string {
  if (!isFileId(id)) throw new Error('not a file id')
  return id
}
