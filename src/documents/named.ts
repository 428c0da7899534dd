/** The name of what cannot be kept as text, to stand where it stood: `[picture: the bridge at dawn]`. */
export function named(thing: string, ...details: (string | undefined)[]): string {
  const told = details
    .map((detail) => (detail ?? '').replace(/\s+/g, ' ').trim())
    .filter((detail) => detail !== '')
  return told.length === 0 ? `[${thing}]` : `[${thing}: ${told.join(', ')}]`
}
