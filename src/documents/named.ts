/** The name of what cannot be kept as text, to stand where it stood: `[picture: the bridge at dawn]`. */
export function named(thing: string, ...details: (string | undefined)[]): string {
  const text = details
    .map((detail) => (detail ?? '').replace(/\s+/g, ' ').trim())
    .filter((detail) => detail !== '')
  return text.length === 0 ? `[${thing}]` : `[${thing}: ${text.join(', ')}]`
}
