/** The words without a last paragraph that holds the editor's own address: a signature, though it does not say so. */
export function withoutSignature(words: string, address: string): string {
  const paragraphs = words.trimEnd().split(/\n\s*\n/)
  const last = paragraphs.at(-1) ?? ''
  const isSignature = paragraphs.length > 1 && last.toLowerCase().includes(address.toLowerCase())
  return isSignature ? words.slice(0, words.lastIndexOf(last)).trimEnd() : words
}
